"""One delivery at a time may start an operation: what the list of operations showed may be over when the call is made.

Cloud SQL refuses an export beside another of the instance, and takes it when the other has just ended. So the right to
make the call is an entry of the ledger, which only one delivery can have written.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.backup.names import ExportName
from shared.errors import Conflict, Throttled, Unavailable
from shared.runtime.cloud import Cloud

_REFUSED: Final = "-refused.json"
_USABLE: Final = 1 / 3  # of a claim's life; the rest is for the call, and until lists show what it began


def start(
    cloud: Cloud, name: ExportName, attempt: str, begin: Callable[[], str], *, looked_at: datetime, life: timedelta
) -> str:
    """The operation that `begin` started. Raises Conflict when Cloud SQL refused it.

    attempt: what is started and after how many failures, "export-0": operations that ended badly, of which each leads
    to one attempt more; looked_at: before the operations were listed; life: how long a claim holds of which nothing
    came, because its delivery died. Raises Unavailable, which brings the message back, while another delivery has the
    claim, and when what was seen is too old to act on. What is refused and surely not done frees the claim at once.
    """
    key = _free(cloud, f"starts/{name.instance}/{name.database}/{name.mark}-{attempt}-", life)
    _must_be_young(cloud, looked_at, life)
    if not cloud.ledger.append(f"{key}.json", json.dumps({"v": 1, "at": cloud.clock.now().isoformat()}).encode()):
        raise Unavailable(f"another delivery has just claimed {key}")
    _must_be_young(cloud, looked_at, life)
    try:
        return begin()
    except (Conflict, Throttled):
        cloud.ledger.append(f"{key}{_REFUSED}", b"{}")
        raise


def _free(cloud: Cloud, prefix: str, life: timedelta) -> str:
    """The next claim's key, without its ending, when the last one holds no more. Raises Unavailable."""
    keys = cloud.ledger.keys(prefix)
    claims = [key for key in keys if not key.endswith(_REFUSED)]
    if claims and claims[-1].removesuffix(".json") + _REFUSED not in keys:
        body = json.loads(cloud.ledger.read(claims[-1]) or b"{}")
        claimed_at = datetime.fromisoformat(body["at"]).astimezone(UTC)
        if cloud.clock.now() - claimed_at <= life:
            raise Unavailable(f"another delivery claimed {claims[-1]} at {claimed_at:%H:%M:%S} UTC")
    return f"{prefix}{len(claims) + 1:04d}"


def _must_be_young(cloud: Cloud, looked_at: datetime, life: timedelta) -> None:
    """A delivery that stood still may come after one that has claimed what it claimed."""
    if cloud.clock.now() - looked_at > life * _USABLE:
        raise Unavailable(f"the operations of {looked_at:%H:%M:%S} UTC are too long ago to act on")
