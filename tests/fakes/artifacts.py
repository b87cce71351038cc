"""Attestations and scans of images."""

from dataclasses import dataclass, field

from shared.errors import Unavailable
from shared.rollout.supply import Scan, ScanState


@dataclass
class FakeArtifacts:
    """attestations: (reference, note); scans: by reference, none begun where there is none."""

    attestations: set[tuple[str, str]] = field(default_factory=set)
    scans: dict[str, Scan] = field(default_factory=dict)
    down: bool = False

    def attested(self, reference: str, note: str) -> bool:
        self._check()
        return (reference, note) in self.attestations

    def scan(self, reference: str) -> Scan:
        self._check()
        return self.scans.get(reference, Scan(ScanState.NONE))

    def _check(self) -> None:
        if self.down:
            raise Unavailable("Container Analysis is down")
