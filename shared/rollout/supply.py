"""What a service asks of an image's origin and of what is known against it, and whether a scan satisfies that.

The limits are Kritis' (an image security policy): one for what can be mended, one for what cannot yet.
"""

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import NamedTuple, assert_never

from shared.rollout.facts import OPEN, Gate
from shared.values import value

_NAMED_MAX = 3


class Attestation(StrEnum):
    """Whether a release must have been built by our pipeline."""

    IGNORE = "ignore"  # "off" would be no text in YAML
    REQUIRE = "require"


class VulnerabilitySeverity(IntEnum):
    """As Container Analysis grades; what it has not graded yet counts as minimal."""

    MINIMAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


@value
class Supply:
    """What one service asks. The defaults ask nothing.

    note: "projects/P/notes/N"; what is attached to it says that our pipeline built an image;
    severity_max, unfixable_severity_max: the worst vulnerability a release may have, where a fix exists and where none
    does; accepted: vulnerabilities that count for nothing, "CVE-2026-1234".
    """

    attestation: Attestation = Attestation.IGNORE
    note: str = ""
    severity_max: VulnerabilitySeverity = VulnerabilitySeverity.CRITICAL
    unfixable_severity_max: VulnerabilitySeverity = VulnerabilitySeverity.CRITICAL
    accepted: frozenset[str] = frozenset()

    @property
    def asks_for_a_scan(self) -> bool:
        return min(self.severity_max, self.unfixable_severity_max) < VulnerabilitySeverity.CRITICAL


class ScanState(StrEnum):
    """How far the scan of an image is."""

    NONE = "none"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    STALE = "stale"  # once finished, but no longer kept up with what was found since


class Vulnerability(NamedTuple):
    """One that the image has. id: "CVE-2026-1234"; package: where it was found."""

    id: str
    severity: VulnerabilitySeverity
    fixable: bool = False
    package: str = ""


class Scan(NamedTuple):
    """What is known against an image."""

    state: ScanState
    vulnerabilities: tuple[Vulnerability, ...] = ()


def passes(supply: Supply, scan: Scan) -> Gate:
    """Whether what is known against an image lets it in. An unfinished scan is no clean one."""
    match scan.state:
        case ScanState.NONE:
            return Gate(waits="its scan has not begun.")
        case ScanState.RUNNING:
            return Gate(waits="its scan is not finished.")
        case ScanState.FAILED:
            return Gate(waits="its scan failed; Container Analysis must scan it again.")
        case ScanState.STALE:
            return Gate(waits="its scan is out of date; pull the image once, and Container Analysis scans it again.")
        case ScanState.UNSUPPORTED:
            return Gate(refuses="Container Analysis cannot scan such an image, so nobody knows what is in it.")
        case ScanState.FINISHED:
            return _verdict(supply, scan.vulnerabilities)
        case _:
            assert_never(scan.state)


def _verdict(supply: Supply, found: Iterable[Vulnerability]) -> Gate:
    worst = sorted({row for row in found if _too_bad(supply, row)}, key=lambda row: (-row.severity, row.id))
    if not worst:
        return OPEN
    named = ", ".join(_named(row) for row in worst[:_NAMED_MAX])
    more = f" and {len(worst) - _NAMED_MAX} more" if len(worst) > _NAMED_MAX else ""
    return Gate(refuses=f"it has {named}{more}. Build it again with what mends this, or accept it by name.")


def _too_bad(supply: Supply, row: Vulnerability) -> bool:
    limit = supply.severity_max if row.fixable else supply.unfixable_severity_max
    return row.severity > limit and row.id not in supply.accepted


def _named(row: Vulnerability) -> str:
    where = f" in {row.package}" if row.package else ""
    return f"{row.id}{where} ({row.severity.name.lower()}, {'a fix exists' if row.fixable else 'no fix yet'})"
