"""What to do about one export: first the source is counted, then exported; a repeated message starts neither twice."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.backup.operations import Operation, OperationKind
from shared.values import value

ATTEMPTS_MAX: Final = 3  # failed exports under one name, after which a person must look
COUNTS_MAX: Final = 2  # failed counts, after which the export is made without


class Standing(StrEnum):
    """Where an export stands."""

    UNCOUNTED = "uncounted"  # count the source
    COUNTING = "counting"
    MISSING = "missing"  # start it
    BUSY = "busy"  # another export of the instance runs first
    RUNNING = "running"
    LATE = "late"
    WRITTEN = "written"
    GIVEN_UP = "given_up"


@value
class Night:
    """standing: what follows from the operations; failed: the exports of this name that failed, oldest first.

    written: the one that ended well; counted: the count of the source that did; counts_failed: how many did not;
    uncounted: why there is none.
    """

    standing: Standing
    failed: tuple[Operation, ...] = ()
    written: Operation | None = None
    counted: Operation | None = None
    counts_failed: int = 0
    uncounted: str = ""


def look(operations: Sequence[Operation], uri: str, counts: str, now: datetime, patience: timedelta) -> Night:
    """operations: of the instance, in any order; uri, counts: of what the export and the count before it write."""
    exports = sorted((row for row in operations if row.kind is OperationKind.EXPORT), key=lambda row: row.asked_at)
    ours = [row for row in exports if row.uri == uri]
    counting = [row for row in exports if row.uri == counts]
    failed = tuple(row for row in ours if row.problem)
    running = [row for row in ours if not row.done]
    written = next((row for row in ours if row.succeeded), None)
    counted = next((row for row in counting if row.succeeded), None)
    uncounted = [row.problem for row in counting if row.problem]
    if written is not None:
        standing = Standing.WRITTEN
    elif running:
        standing = Standing.LATE if any(row.late(now, patience) for row in running) else Standing.RUNNING
    elif len(failed) >= ATTEMPTS_MAX:
        standing = Standing.GIVEN_UP
    elif any(not row.done for row in counting):
        late = any(row.late(now, patience) for row in counting)
        standing = Standing.LATE if late else Standing.COUNTING
    elif any(not row.done for row in exports):
        standing = Standing.BUSY
    elif counted is None and len(uncounted) < COUNTS_MAX:
        standing = Standing.UNCOUNTED
    else:
        standing = Standing.MISSING
    return Night(
        standing=standing,
        failed=failed,
        written=written,
        counted=counted,
        counts_failed=len(uncounted),
        uncounted=uncounted[-1] if uncounted and counted is None else "",
    )
