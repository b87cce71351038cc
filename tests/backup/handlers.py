"""Which function handles which message."""

from collections.abc import Callable
from typing import Any

from functions.backup_verify.handler import handle as backup_verify
from functions.notify.handler import handle as notify
from functions.restore_drill.handler import handle as restore_drill
from functions.sql_backup.handler import handle as sql_backup
from shared.events.message import Message

HANDLERS = {
    "backup-requests": sql_backup,
    "backup-counts": sql_backup,
    "backup-objects": backup_verify,
    "backup-checks": backup_verify,
    "backup-acceptances": backup_verify,
    "drill-requests": restore_drill,
    "drill-ticks": restore_drill,
    "rollout-events": notify,
}


def handler_of(message: Message) -> Callable[[Message, Any], str]:
    """As the subscriptions' filters say."""
    counts = message.attributes.get("objectId", "").startswith("counts/")
    return sql_backup if counts else HANDLERS[message.topic]
