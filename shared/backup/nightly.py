"""What to do about one database's export of this night: at most one ever runs, and a repeated message starts none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.backup.operations import Operation, OperationKind

ATTEMPTS_MAX: Final = 3  # failed exports of one night, after which a person must look


class Standing(StrEnum):
    """Where the night's export stands."""

    MISSING = "missing"  # start it
    BUSY = "busy"  # another export of the instance runs first
    RUNNING = "running"
    LATE = "late"
    WRITTEN = "written"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """standing: what follows from the operations; failed: this night's exports that failed, oldest first."""

    standing: Standing
    failed: tuple[Operation, ...] = ()


def look(operations: Sequence[Operation], uri: str, now: datetime, patience: timedelta) -> Night:
    """operations: of the instance, in any order; uri: of the object the export writes, which tells it from others."""
    exports = [row for row in operations if row.kind is OperationKind.EXPORT]
    ours = sorted((row for row in exports if row.uri == uri), key=lambda row: row.asked_at)
    failed = tuple(row for row in ours if row.problem)
    running = [row for row in ours if not row.done]
    if any(row.succeeded for row in ours):
        standing = Standing.WRITTEN
    elif running:
        standing = Standing.LATE if any(row.late(now, patience) for row in running) else Standing.RUNNING
    elif len(failed) >= ATTEMPTS_MAX:
        standing = Standing.GIVEN_UP
    elif any(not row.done for row in exports):
        standing = Standing.BUSY
    else:
        standing = Standing.MISSING
    return Night(standing=standing, failed=failed)
