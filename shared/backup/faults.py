"""What can be wrong with an export, by kind and in one sentence."""

from enum import StrEnum
from typing import Final

from shared.values import value


class FaultKind(StrEnum):
    """Ordered from the outside of the file to its meaning."""

    NOT_EXPORTED = "not_exported"
    READ_DIFFERS = "read_differs"
    EMPTY = "empty"
    GZIP_DAMAGED = "gzip_damaged"
    GZIP_TRUNCATED = "gzip_truncated"
    TRAILING_DATA = "trailing_data"
    LINE_TOO_LONG = "line_too_long"
    CUT_INSIDE_COPY = "cut_inside_copy"
    CUT_INSIDE_STATEMENT = "cut_inside_statement"
    NOT_COMPLETE = "not_complete"
    NO_VERSION = "no_version"
    OLD_TOOL = "old_tool"
    NO_TABLES = "no_tables"
    TABLE_WITHOUT_DATA = "table_without_data"
    BEHIND_SOURCE = "behind_source"
    UNKNOWN_EXTENSION = "unknown_extension"
    TABLE_MISSING = "table_missing"
    ROWS_LOST = "rows_lost"
    SIZE_COLLAPSED = "size_collapsed"
    COPY_DIFFERS = "copy_differs"


# What a migration may cause on purpose: the file is whole, and holds something else than the nights before. Whatever
# else is wrong with a file, no person's word makes it a backup.
ACCEPTABLE: Final = frozenset(
    {FaultKind.UNKNOWN_EXTENSION, FaultKind.TABLE_MISSING, FaultKind.ROWS_LOST, FaultKind.SIZE_COLLAPSED}
)


@value
class Fault:
    """text: one sentence for people."""

    kind: FaultKind
    text: str
