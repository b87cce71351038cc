"""Every configured database is exported once a night by the schedule, and whenever a person asks; nobody waits for it.

The source is counted first, then exported. The schedule may tick often within a night: a tick finds what earlier ones
started, starts what is still missing (after a failure, behind the instance's other export, or because the first file
was read and is broken), and tells once of what failed or is late.
"""

from datetime import datetime, timedelta
from functools import partial

from shared.backup import restored
from shared.backup.names import ExportName, night_of
from shared.backup.nightly import ATTEMPTS_MAX, Night, Standing, look
from shared.backup.spans import in_words
from shared.config.backups import Backups
from shared.errors import Conflict, InvalidEvent, Unavailable
from shared.events import object_written, tick
from shared.events.ignored import Ignored
from shared.events.message import Message
from shared.runtime.backup_ledger import entries_of
from shared.runtime.backup_news import tell
from shared.runtime.cloud import Cloud
from shared.runtime.one_by_one import one_by_one

from . import claim

_ON_ITS_WAY = (Standing.RUNNING, Standing.WRITTEN, Standing.LATE, Standing.GIVEN_UP)
_SECOND = 2  # attempts that are made by themselves of one night


def handle(message: Message, cloud: Cloud) -> str:
    """By topic: a tick looks after the night, a request makes one more export, finished counts lead on to theirs."""
    backups = cloud.environment.backups
    if backups is None:
        return f"not_configured: {cloud.environment.name} has no databases to export."
    match message.topic:
        case "backup-requests":
            at = tick.parse(message).at
            if _stale(cloud, at, backups.period):
                return f"stale: a request of {at:%Y-%m-%d %H:%M} UTC would export today's data under an old name."
            if wanted := message.attributes.get("again", ""):
                return _again(cloud, backups, wanted, at.replace(microsecond=0))
            night = night_of(at, backups.period)
            names = [ExportName(instance=i, database=d, night=night) for i, d in backups.databases]
            return "; ".join(one_by_one(partial(_tonight, cloud, backups, name) for name in names))
        case "backup-objects":
            return _go_on(message, cloud, backups)
        case topic:
            raise InvalidEvent("topic", f'must be backup-requests or backup-objects, not "{topic}"')


def _stale(cloud: Cloud, at: datetime, period: timedelta) -> bool:
    return cloud.clock.now() - at > period


def _tonight(cloud: Cloud, backups: Backups, name: ExportName) -> str:
    """The night's first export; its second when the first was read and is broken."""
    found, outcome = _ensure(cloud, backups, name)
    if found.standing is not Standing.WRITTEN or name.attempt >= _SECOND:
        return outcome
    read = entries_of(cloud, name)
    if not read or any(entry.good for entry in read):
        return outcome
    second = ExportName(instance=name.instance, database=name.database, night=name.night, attempt=_SECOND)
    return f"broken: {name.key}; {_ensure(cloud, backups, second)[1]}"


def _again(cloud: Cloud, backups: Backups, instance: str, at: datetime) -> str:
    """Named after the second of the asking, so that a redelivered request finds its own; it comes until that runs."""
    names = [ExportName(instance=i, database=d, night=at) for i, d in backups.databases if i == instance]
    if not names:
        return f"not_ours: {instance} is no configured instance."
    return "; ".join(one_by_one(partial(_insist, cloud, backups, name) for name in names))


def _insist(cloud: Cloud, backups: Backups, name: ExportName) -> str:
    """Raises Unavailable, which brings the message back, until the export runs."""
    found, outcome = _ensure(cloud, backups, name)
    if found.standing in _ON_ITS_WAY or outcome.startswith("started"):
        return outcome
    raise Unavailable(outcome)


def _go_on(message: Message, cloud: Cloud, backups: Backups) -> str:
    """The source was counted: its export follows at once. Whatever keeps it from that, the next tick tries again."""
    written = object_written.parse(message)
    if isinstance(written, Ignored):
        return f"{written.rule}: {written.text}"
    name = ExportName.of_counts(written.key)
    if written.bucket != backups.bucket or name is None or (name.instance, name.database) not in backups.databases:
        return f"not_ours: {written.key} counts no configured database."
    if _stale(cloud, name.night, 2 * backups.period):
        return f"stale: {written.key} is of a night that is over."
    return _insist(cloud, backups, name)


def _ensure(cloud: Cloud, backups: Backups, name: ExportName) -> tuple[Night, str]:
    """What was found, and what was done about it in words, "standing: object": at most one call."""
    uri, counts = f"gs://{backups.bucket}/{name.key}", f"gs://{backups.bucket}/{name.counts}"
    looked_at = cloud.clock.now()
    found = look(cloud.databases.operations(name.instance), uri, counts, looked_at, backups.patience)
    for operation in found.failed:
        text = f"The export of {name.database} on {name.instance} failed: {operation.problem}"
        _tell(cloud, name, "export.failed", operation.name, text)
    match found.standing:
        case Standing.UNCOUNTED:
            return found, _count(cloud, backups, name, counts, found, looked_at)
        case Standing.MISSING:
            return found, _export(cloud, backups, name, uri, found, looked_at)
        case Standing.LATE:
            text = f"The export of {name.database} on {name.instance} still runs after {in_words(backups.patience)}."
            _tell(cloud, name, "export.late", "late", text)
        case Standing.GIVEN_UP:
            last = found.failed[-1].problem
            text = f"The export of {name.database} on {name.instance} failed {ATTEMPTS_MAX} times: {last}"
            _tell(cloud, name, "export.given_up", "given_up", text)
        case Standing.BUSY | Standing.COUNTING | Standing.RUNNING | Standing.WRITTEN:
            pass
    return found, f"{found.standing}: {name.key}"


def _count(cloud: Cloud, backups: Backups, name: ExportName, counts: str, found: Night, looked_at: datetime) -> str:
    asked = restored.source_query(backups.database(name.instance, name.database).newest_row)
    begin = partial(cloud.databases.export_query, name.instance, name.database, asked, counts)
    attempt = f"count-{found.counts_failed}"
    try:
        operation = claim.start(cloud, name, attempt, begin, looked_at=looked_at, life=backups.claim)
    except Conflict as error:
        return f"refused: {name.counts}: {error}"
    return f"counting: {name.counts} by operation {operation}"


def _export(cloud: Cloud, backups: Backups, name: ExportName, uri: str, found: Night, looked_at: datetime) -> str:
    """Another operation on the instance is normal: the next tick tries again."""
    if found.uncounted:
        text = f"{name.database} on {name.instance} is exported without a count before it: {found.uncounted}"
        _tell(cloud, name, "export.uncounted", "uncounted", text)
    begin = partial(cloud.databases.export, name.instance, name.database, uri)
    attempt = f"export-{len(found.failed)}"
    try:
        operation = claim.start(cloud, name, attempt, begin, looked_at=looked_at, life=backups.claim)
    except Conflict as error:
        return f"refused: {name.key}: {error}"
    return f"started: {name.key} by operation {operation}"


def _tell(cloud: Cloud, name: ExportName, kind: str, about: str, text: str) -> None:
    """One key per export and cause, so that every tick may say it and people hear it once."""
    key = f"{name.instance}/{name.database}/{name.mark}-{about}"
    tell(cloud, key, kind, text, instance=name.instance, database=name.database, object=name.key)
