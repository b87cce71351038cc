"""Mistakes about exports and drills; each calls the original for all but its own mistake."""

from typing import Any

from functions.backup_verify import verification
from functions.restore_drill import handler as restore_drill
from functions.restore_drill import steps
from functions.sql_backup import handler as sql_backup
from shared.backup.catalogue import Entry
from shared.backup.drill import Step, next_step
from shared.backup.dump import read_dump
from shared.backup.nightly import look
from tests.simulation.breakage import Breakage
from tests.simulation.cloud_sql import WHOLE


def unread_and_good(cloud: Any, backups: Any, name: Any, written: Any, night: Any) -> Any:
    return Entry(
        name=name,
        bucket=written.bucket,
        generation=written.generation,
        crc32c=written.crc32c,
        verified_at=cloud.clock.now(),
        report=read_dump([WHOLE]),
    )


def kept_first(cloud: Any, backups: Any, name: Any, written: Any, night: Any) -> Any:
    cloud.objects.copy(written.bucket, written.key, backups.locked_bucket, written.key)
    return _read(cloud, backups, name, written, night)


def never_deleted(drill: Any, now: Any) -> Any:
    step = _next_step(drill, now)
    return None if step is Step.DELETE else step


def own_exports_unseen(operations: Any, uri: str, *rest: Any) -> Any:
    return _look([row for row in operations if row.uri != uri or not row.done], uri, *rest)


_read, _next_step, _look = verification._read, next_step, look

BACKUP_BREAKAGES = (
    Breakage("verified_unread", "l", "An export is called good unread.", ((verification, "_read", unread_and_good),)),
    Breakage("kept_unread", "l", "An export is locked before it is read.", ((verification, "_read", kept_first),)),
    Breakage(
        "instance_left",
        "l",
        "A drill's instance is deleted by nobody.",
        ((steps, "next_step", never_deleted), (restore_drill, "leftovers", lambda *_: ())),
    ),
    Breakage("exported_twice", "l", "Every tick exports again.", ((sql_backup, "look", own_exports_unseen),)),
)
