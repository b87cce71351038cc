"""A person accepts what a migration took away: the export is kept, and the next ones are compared with it."""

from dataclasses import replace

from shared.backup.acceptance import Acceptance, encode
from shared.backup.catalogue import Entry
from shared.backup.names import ExportName
from shared.config.backups import Backups
from shared.errors import InvalidEvent, NotFound
from shared.events import fields
from shared.events.message import Message
from shared.runtime.backup_ledger import acceptance_key, entries_of
from shared.runtime.backup_news import tell
from shared.runtime.cloud import Cloud

from .verification import keep


def accept(message: Message, cloud: Cloud, backups: Backups) -> str:
    """Kept and told first, entered last, so that a crash before it does the same again. Raises InvalidEvent."""
    body = fields.decode(message)
    key = fields.text(body, "key")
    word = Acceptance(by=fields.text(body, "by"), why=fields.text(body, "why"), at=message.published_at)
    entry = _broken(cloud, backups, key)
    if entry.acceptance is not None:
        return f"duplicate: {key} was accepted by {entry.acceptance.by}."
    faults = tuple(fault.text for fault in entry.report.faults)
    if backups.locked_bucket:
        _keep(cloud, backups.locked_bucket, replace(entry, acceptance=word))
    name = entry.name
    text = f"{word.by} accepted the export {key}, although {'; '.join(faults)}: {word.why}"
    about = f"{name.instance}/{name.database}/{name.mark}-{entry.generation}"
    tell(cloud, about, "export.accepted", text, instance=name.instance, database=name.database, object=key, by=word.by)
    cloud.ledger.append(acceptance_key(entry), encode(word, key, faults))
    return f"accepted: {key}"


def _keep(cloud: Cloud, bucket: str, entry: Entry) -> None:
    """Raises InvalidEvent when what was read cannot be kept."""
    key = entry.name.key
    try:
        kept = keep(cloud, bucket, entry)
    except NotFound as error:
        raise InvalidEvent("key", f"{key} is not there any more") from error
    if not kept.good:
        raise InvalidEvent("key", f"the copy of {key} is not what was read")


def _broken(cloud: Cloud, backups: Backups, key: str) -> Entry:
    """The newest reading of the export. Raises InvalidEvent when there is nothing that could be accepted."""
    name = ExportName.parse(key)
    if name is None or (name.instance, name.database) not in backups.databases:
        raise InvalidEvent("key", f"{key} is no export of a configured database")
    read = entries_of(cloud, name)
    if not read:
        raise InvalidEvent("key", f"{key} was not read yet")
    entry = read[0]
    if not entry.report.faults:
        raise InvalidEvent("key", f"{key} is good as it is")
    if not entry.acceptable:
        kinds = ", ".join(fault.kind for fault in entry.report.faults)
        raise InvalidEvent("key", f"{key} is no whole file, and nobody's word makes it one: {kinds}")
    return entry
