"""How news about backups are told, and which of them call a person: one table, which the alerts are held to."""

from collections.abc import Mapping
from typing import Final

from shared.events import announcement as announcements
from shared.events.topics import ROLLOUT_EVENTS
from shared.rollout.announcement import Announcement, Severity
from shared.runtime.cloud import Cloud
from shared.runtime.ledger_keys import ledger_key

SERVICE: Final = "backups"
SEVERITIES: Final[Mapping[str, Severity]] = {
    "export.verified": Severity.INFO,
    "export.accepted": Severity.INFO,
    "export.failed": Severity.WARNING,
    "export.uncounted": Severity.WARNING,
    "export.entry_damaged": Severity.WARNING,
    "export.slow": Severity.PAGE,
    "export.late": Severity.PAGE,
    "export.given_up": Severity.PAGE,
    "export.broken": Severity.PAGE,
    "export.lost": Severity.PAGE,
    "export.missing": Severity.PAGE,
    "backup.missing": Severity.PAGE,
    "backup.disabled": Severity.PAGE,
    "drill.passed": Severity.INFO,
    "drill.failed": Severity.PAGE,
    "drill.missing": Severity.PAGE,
    "drill.leftover": Severity.PAGE,
}
"""By kind. Every kind that pages is in the filter of some alert, for nobody else calls people."""


def tell(cloud: Cloud, about: str, kind: str, text: str, *, instance: str, **details: str) -> None:
    """Once per `about` and kind: every repeat of it says the same. instance: alerts are per instance."""
    key, now = f"{SERVICE}/{about}-{kind}", cloud.clock.now()
    news = Announcement(
        key=key,
        kind=kind,
        service=SERVICE,
        at=now,
        text=text,
        severity=SEVERITIES[kind],
        details={"instance": instance, **details},
    )
    if not cloud.ledger.existing([ledger_key(news.key)]):
        data, attributes = announcements.encode(news)
        cloud.messages.publish(ROLLOUT_EVENTS, data, attributes)
