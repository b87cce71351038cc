"""An export is good only when it has been read; what pages is that no fresh good one exists."""

from functools import partial

from shared.errors import InvalidEvent
from shared.events import object_written
from shared.events.ignored import Ignored
from shared.events.message import Message
from shared.runtime.cloud import Cloud
from shared.runtime.one_by_one import one_by_one

from . import checks
from .acceptance import accept
from .verification import take


def handle(message: Message, cloud: Cloud) -> str:
    """By topic: a new object is read; a check looks for what is missing; a person accepts what an export lacks."""
    backups = cloud.environment.backups
    if backups is None:
        return f"not_configured: {cloud.environment.name} has no databases to export."
    match message.topic:
        case "backup-objects":
            written = object_written.parse(message)
            return f"{written.rule}: {written.text}" if isinstance(written, Ignored) else take(cloud, backups, written)
        case "backup-checks":
            # What nobody has read yet is read first: it may be the fresh one.
            tasks = [partial(checks.check_exporting, cloud, backups, *pair) for pair in backups.databases]
            tasks += [partial(checks.check_export, cloud, backups, *pair) for pair in backups.databases]
            tasks += [partial(checks.check_backup, cloud, backups, instance) for instance in backups.instances]
            if backups.drill_bucket:
                tasks += [partial(checks.check_drill, cloud, backups, *pair) for pair in backups.databases]
            return "; ".join(one_by_one(tasks))
        case "backup-acceptances":
            return accept(message, cloud, backups)
        case topic:
            raise InvalidEvent("topic", f'must be backup-objects, backup-checks or backup-acceptances, not "{topic}"')
