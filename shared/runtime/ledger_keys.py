"""How the ledger's objects are named: by service, then by the record's sequence, so that their order is history's."""

from typing import TYPE_CHECKING

from shared.runtime.cloud import Cloud

if TYPE_CHECKING:  # the backups' functions need no word of rollouts
    from shared.rollout.observations import Judged


def ledger_prefix(service: str) -> str:
    """Where a service's entries lie."""
    return f"services/{service}/"


def ledger_key(announcement_key: str) -> str:
    """The object of one announcement."""
    return f"services/{announcement_key}.json"


def evidence_key(judged: "Judged") -> str:
    """The object of one verdict and what it was made of."""
    assert judged.verdict is not None
    step = "full" if judged.step is None else f"step{judged.step}"
    name = f"{judged.at:%Y%m%dT%H%M%SZ}-{step}-{judged.verdict.health}"
    return f"{evidence_prefix(judged.service)}{judged.rollout_id}/{name}.json"


def evidence_prefix(service: str) -> str:
    """Where the verdicts of a service lie, by rollout."""
    return f"evidence/{service}/"


def newest_key(cloud: Cloud, service: str, since: int) -> str:
    """The last entry of the service whose sequence is `since` or above, or ""."""
    prefix = ledger_prefix(service)
    return cloud.ledger.newest(prefix, f"{prefix}{since:06d}")


def newest_sequence(cloud: Cloud, service: str, since: int) -> int:
    """The highest sequence from `since` on that the ledger has of this service, or 0."""
    sequence = newest_key(cloud, service, since).rpartition("/")[2].partition("-")[0]
    return int(sequence) if sequence else 0
