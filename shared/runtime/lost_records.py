"""An older record on a service, or none, where the ledger knows a newer one: somebody restored an old copy."""

import json

from shared.errors import InvalidRecord, Unavailable
from shared.rollout import codec
from shared.rollout.record import Record
from shared.rollout.service import RevisionState
from shared.runtime.cloud import Cloud
from shared.runtime.ledger_keys import ledger_key, newest_key


def newer_record(cloud: Cloud, service: str, found: Record | None) -> Record | None:
    """The ledger's newest record of the service when it is newer than the one found there, or another of its number.

    A rollback on an older copy takes a number that the newest record may have had as well. What a record itself told
    stays in its outbox as long as it has that number.
    None when there is no such record, or when its stable revision is gone: the service was made anew under an old name.
    Raises InvalidRecord for an entry without a record, Unavailable when it cannot be read.
    """
    key = newest_key(cloud, service, found.sequence if found else 0)
    if not key or (found and any(key == ledger_key(item.key) for item in found.outbox)):
        return None
    entry = cloud.ledger.read(key)
    if entry is None:
        raise Unavailable(f"the ledger entry {key} cannot be read")
    text = json.loads(entry).get("record")
    if not isinstance(text, str):
        raise InvalidRecord(f"the ledger entry {key} carries no record")
    record = codec.decode(text)
    if record.stable and cloud.services.get_revision(service, record.stable).state is RevisionState.MISSING:
        return None
    return record
