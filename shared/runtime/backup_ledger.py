"""What the backup functions share: the catalogue in the ledger, and how news about backups are told."""

from typing import Final

from shared.backup import catalogue
from shared.backup.catalogue import Entry
from shared.backup.trend import COMPARED_MAX
from shared.events import announcement as announcements
from shared.events.topics import ROLLOUT_EVENTS
from shared.rollout.announcement import Announcement, Severity
from shared.runtime.cloud import Cloud
from shared.runtime.ledger_keys import ledger_key

SERVICE: Final = "backups"
_LOOKED_BACK: Final = 4 * COMPARED_MAX  # entries; broken ones among them do not count


def catalogue_folder(instance: str, database: str) -> str:
    """Where the catalogue of one database lies."""
    return f"catalogue/{instance}/{database}/"


def entries(cloud: Cloud, instance: str, database: str) -> list[Entry]:
    """The newest entries; names sort as the nights do."""
    keys = cloud.ledger.keys(catalogue_folder(instance, database))[-_LOOKED_BACK:]
    contents = (cloud.ledger.read(key) for key in keys)
    return [catalogue.decode(content) for content in contents if content is not None]


def newest_good(cloud: Cloud, instance: str, database: str) -> Entry | None:
    """The export a restore would take; read from the newest entry back, so that a good night costs one."""
    for key in reversed(cloud.ledger.keys(catalogue_folder(instance, database))[-_LOOKED_BACK:]):
        content = cloud.ledger.read(key)
        entry = None if content is None else catalogue.decode(content)
        if entry and entry.good:
            return entry
    return None


def tell(cloud: Cloud, about: str, kind: str, text: str, severity: Severity, **details: str) -> None:
    """Once per `about` and kind: every repeat of it says the same."""
    key, now = f"{SERVICE}/{about}-{kind}", cloud.clock.now()
    news = Announcement(key=key, kind=kind, service=SERVICE, at=now, text=text, severity=severity, details=details)
    if not cloud.ledger.existing([ledger_key(news.key)]):
        data, attributes = announcements.encode(news)
        cloud.messages.publish(ROLLOUT_EVENTS, data, attributes)
