"""The images of the simulated world and how they behave once they run."""

from enum import StrEnum

REGISTRY = "africa-south1-docker.pkg.dev/demo/apps"


class Kind(StrEnum):
    GOOD = "good"
    BAD = "bad"  # fails requests
    SLOW = "slow"  # answers late
    MIXED = "mixed"  # fails one request in fifteen: near the edge of what the judge can tell
    FAILS_PROBES = "fails_probes"  # starts, and does not answer its probe
    HEAVY = "heavy"  # its pages cost people on slow lines too much
    NEVER_STARTS = "never_starts"
    STUCK = "stuck"  # neither ready nor failed


class Releases:
    """By digest; the same digest always behaves alike."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def make(self, kind: Kind) -> str:
        """A new digest."""
        digest = f"sha256:{len(self._kinds) + 1:07x}{'0' * 57}"
        self._kinds[digest] = kind
        return digest

    def kind(self, image: str) -> Kind:
        return self._kinds[image.partition("@")[2]]

    def digests(self) -> tuple[str, ...]:
        return tuple(self._kinds)


def image(service: str, digest: str = "") -> str:
    """The repository of a service's images, or one image by digest."""
    return f"{REGISTRY}/{service}" + (f"@{digest}" if digest else "")
