"""What people, clouds and other tools do to the simulated world, drawn from the seed."""

from dataclasses import dataclass
from random import Random

SERVICES = ("api", "web")
CHAOS_SECONDS = 25 * 60.0
COUNT = (3, 14)
WEIGHTS = {
    "push": 30,
    "push_again": 7,
    "command": 26,
    "alert": 9,
    "edit": 4,
    "apply": 9,
    "configure": 6,
    "outage": 9,
    "shared_outage": 3,
    "silence": 3,
    "freeze": 5,
    "revoked": 2,
    "burst": 3,
    "corrupt": 2,
    "death": 8,
    "opposites": 5,
    "tug": 5,
    "hindsight": 3,
}
BUILT = "api"  # deploys what a build made; the other deploys what is pushed


@dataclass(frozen=True)
class Happening:
    """at: seconds; detail: drawn beforehand, so that leaving one happening out changes no other."""

    number: int
    at: float
    what: str
    service: str
    detail: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.number}: at {self.at:.0f} s {self.what} {self.service} ({self.detail:.3f}, {self.seconds:.0f} s)"


def drawn(random: Random) -> tuple[Happening, ...]:
    """In the order of their times; the first is a push, for without one nothing is at stake."""
    times = sorted(random.uniform(1, CHAOS_SECONDS) for _ in range(random.randint(*COUNT)))
    return tuple(
        Happening(
            number=number,
            at=at,
            what="push" if number == 0 else random.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0],
            service=random.choices(SERVICES, (1, 3))[0],
            detail=random.random(),
            seconds=random.uniform(20, 300),
        )
        for number, at in enumerate(times)
    )
