"""What may go wrong at a port call or on a message's way, drawn from the seed."""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """Every kind can be left out of a replay by name."""

    CRASH_BEFORE = "crash_before"  # the process dies before the call is made
    CRASH_AFTER = "crash_after"  # … after the call took effect, before the answer arrives
    REFUSED = "refused"  # the API says 503 and did nothing
    ANSWER_LOST = "answer_lost"  # the call took effect and the caller gets an error
    DENIED = "denied"  # the API refuses for good, as far as the code can know: an error that is none of ours
    THROTTLED = "throttled"  # writes of one API are refused for a minute or two, reads pass
    STALE_READ = "stale_read"  # a read shows the service, or a revision, as it was a moment ago
    METRICS_GAP = "metrics_gap"  # minutes of one revision are missing
    SLOW = "slow"  # the call takes a minute
    DUPLICATE = "duplicate"  # Pub/Sub delivers a message twice
    LATE = "late"  # Pub/Sub delivers a message minutes late, after newer ones
    DROPPED_TICK = "dropped_tick"  # the scheduler's message never comes
    CLOCK_SKEW = "clock_skew"  # two instances disagree on the time by seconds
    UPGRADE = "upgrade"  # our code is replaced meanwhile, and two versions are at work: drawn once, see versions.py


RATES: dict[Fault, float] = {
    Fault.CRASH_BEFORE: 0.008,
    Fault.CRASH_AFTER: 0.012,
    Fault.REFUSED: 0.015,
    Fault.ANSWER_LOST: 0.01,
    Fault.DENIED: 0.002,
    Fault.THROTTLED: 0.003,
    Fault.STALE_READ: 0.01,
    Fault.METRICS_GAP: 0.02,
    Fault.SLOW: 0.01,
    Fault.DUPLICATE: 0.06,
    Fault.LATE: 0.05,
    Fault.DROPPED_TICK: 0.05,
    Fault.CLOCK_SKEW: 0.5,
}
OF_CALLS = (
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.REFUSED,
    Fault.ANSWER_LOST,
    Fault.DENIED,
    Fault.THROTTLED,
    Fault.STALE_READ,
)
"""What may befall one call of a port, one of them at a time; besides, it may be slow."""


@dataclass
class Faults:
    """intensity: drawn once, so that some worlds are calm and some are awful; over: nothing goes wrong any more."""

    random: Random
    without: frozenset[Fault] = frozenset()
    over: bool = False
    seen: dict[Fault, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.intensity = self.random.choice((0.0, 0.5, 1.0, 1.0, 2.0, 4.0))
        self._rates = {fault: rate * self.intensity for fault, rate in RATES.items()}
        self._of_calls = sum(self._rates[fault] for fault in OF_CALLS)

    def of_call(self) -> tuple[bool, Fault | None]:
        """Whether it is slow, and what else befalls it: at most one thing, drawn alike whatever is left out.

        Whoever lets that take effect says so with `struck`.
        """
        if self.over:
            return False, None
        slow = self.strikes(Fault.SLOW)
        drawn = self.random.random()
        if drawn >= self._of_calls:
            return slow, None
        for fault in OF_CALLS:
            drawn -= self._rates[fault]
            if drawn < 0:
                return slow, None if fault in self.without else fault
        return slow, None

    def struck(self, fault: Fault) -> None:
        self.seen[fault] = self.seen.get(fault, 0) + 1

    def strikes(self, fault: Fault) -> bool:
        """Draws even when the fault is left out, so that a replay without it draws the rest alike."""
        if self.over or self.random.random() >= self._rates[fault] or fault in self.without:
            return False
        self.struck(fault)
        return True
