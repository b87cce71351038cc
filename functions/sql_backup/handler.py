"""A tick of the schedule: every configured database gets this night's export, and nobody waits for it.

The schedule may tick often within a night: a tick finds what earlier ones started, starts what is still missing (after
a failure, or behind the instance's other export), and tells once of what failed or is late.
"""

from datetime import datetime

from shared.backup.names import ExportName, night_of
from shared.backup.nightly import ATTEMPTS_MAX, Standing, look
from shared.backup.operations import Operation
from shared.config.backups import Backups
from shared.errors import Conflict
from shared.events import announcement as announcements
from shared.events import tick
from shared.events.message import Message
from shared.events.topics import ROLLOUT_EVENTS
from shared.rollout.announcement import Announcement, Severity
from shared.runtime.cloud import Cloud
from shared.runtime.ledger_keys import ledger_key

SERVICE = "backups"


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, then one look and at most one call per database."""
    backups = cloud.environment.backups
    if backups is None:
        return f"not_configured: {cloud.environment.name} has no databases to export."
    night = night_of(tick.parse(message).at, backups.period)
    outcomes = [
        _ensure(cloud, backups, ExportName(instance=instance, database=database, night=night))
        for instance, databases in backups.instances.items()
        for database in databases
    ]
    return "; ".join(outcomes)


def _ensure(cloud: Cloud, backups: Backups, name: ExportName) -> str:
    """What was found or done about one database, "standing: object"."""
    uri = f"gs://{backups.bucket}/{name.key}"
    now = cloud.clock.now()
    found = look(cloud.databases.operations(name.instance), uri, now, backups.patience)
    for operation in found.failed:
        text = f"The export of {name.database} on {name.instance} failed: {operation.problem}"
        _tell(cloud, _news(name, "export.failed", operation.name, now, text, Severity.WARNING))
    match found.standing:
        case Standing.MISSING:
            return _start(cloud, name, uri)
        case Standing.LATE:
            text = f"The export of {name.database} on {name.instance} still runs after {backups.patience}."
            _tell(cloud, _news(name, "export.late", "late", now, text, Severity.PAGE))
        case Standing.GIVEN_UP:
            text = (
                f"The export of {name.database} on {name.instance} failed {ATTEMPTS_MAX} times: {_last(found.failed)}"
            )
            _tell(cloud, _news(name, "export.given_up", "given_up", now, text, Severity.PAGE))
        case Standing.BUSY | Standing.RUNNING | Standing.WRITTEN:
            pass
    return f"{found.standing}: {name.key}"


def _start(cloud: Cloud, name: ExportName, uri: str) -> str:
    """Another operation on the instance is normal: the next tick tries again."""
    try:
        operation = cloud.databases.export(name.instance, name.database, uri)
    except Conflict as error:
        return f"refused: {name.key}: {error}"
    return f"started: {name.key} by operation {operation}"


def _last(failed: tuple[Operation, ...]) -> str:
    return failed[-1].problem


def _news(name: ExportName, kind: str, about: str, now: datetime, text: str, severity: Severity) -> Announcement:
    """One key per night and cause, so that every tick may say it and people hear it once."""
    return Announcement(
        key=f"{SERVICE}/{name.instance}/{name.database}/{name.night:%Y%m%dT%H%M%SZ}-{about}-{kind}",
        kind=kind,
        service=SERVICE,
        at=now,
        text=text,
        severity=severity,
        details={"instance": name.instance, "database": name.database, "object": name.key},
    )


def _tell(cloud: Cloud, news: Announcement) -> None:
    if not cloud.ledger.existing([ledger_key(news.key)]):
        data, attributes = announcements.encode(news)
        cloud.messages.publish(ROLLOUT_EVENTS, data, attributes)
