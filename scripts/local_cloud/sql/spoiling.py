"""Nine ways in which an export is worthless although its operation ended well.

A restore with `psql` alone, without ON_ERROR_STOP, calls every one of them good.
"""

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass

from shared.backup.faults import FaultKind

_MARK = b"-- PostgreSQL database dump complete"
_DATA = re.compile(rb"^COPY (?P<table>\S+) \([^\n]*\) FROM stdin;\n(?P<rows>.*?)^\\\.\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """spoil: a good export's file to a broken one; caught_as: what a reader must find in it."""

    name: str
    spoil: Callable[[bytes], bytes]
    caught_as: FaultKind


def nine(table: str, lost: int = 100) -> tuple[Spoiled, ...]:
    """table: one with more rows than are `lost`, whose rows are never deleted."""
    name = table.encode()

    def unfolded(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        return lambda good: gzip.compress(change(gzip.decompress(good)), 1, mtime=0)

    def killed(text: bytes) -> bytes:
        start, end = _rows(text, name)
        return text[: (start + end) // 2]

    def without_data(text: bytes) -> bytes:
        return _DATA.sub(lambda found: b"" if found["table"] == name else found[0], text)

    def fewer(text: bytes) -> bytes:
        start, end = _rows(text, name)
        kept = text[start:end].splitlines(keepends=True)[:-lost]
        return text[:start] + b"".join(kept) + text[end:]

    def marked_inside_data(text: bytes) -> bytes:
        start, _ = _rows(text, name)
        return text[:start] + _MARK + b"\n"

    def foreign(text: bytes) -> bytes:
        return text.replace(b"\nCREATE TABLE", b"\nCREATE EXTENSION IF NOT EXISTS nosuch;\nCREATE TABLE", 1)

    return (
        Spoiled(name="file cut short", spoil=lambda good: good[: len(good) * 9 // 10],
                caught_as=FaultKind.GZIP_TRUNCATED),
        Spoiled(name="pg_dump killed, gzip closed cleanly", spoil=unfolded(killed),
                caught_as=FaultKind.CUT_INSIDE_COPY),
        Spoiled(name="nothing in the gzip", spoil=unfolded(lambda _: b""), caught_as=FaultKind.NOT_COMPLETE),
        Spoiled(name="one bit flipped", spoil=_bit_flipped, caught_as=FaultKind.GZIP_DAMAGED),
        Spoiled(name="one table's data missing", spoil=unfolded(without_data), caught_as=FaultKind.TABLE_WITHOUT_DATA),
        Spoiled(name="schema only", spoil=unfolded(lambda text: _DATA.sub(b"", text)), caught_as=FaultKind.NO_TABLES),
        Spoiled(name="an extension no server has", spoil=unfolded(foreign), caught_as=FaultKind.UNKNOWN_EXTENSION),
        Spoiled(name=f"{lost} rows lost", spoil=unfolded(fewer), caught_as=FaultKind.ROWS_LOST),
        Spoiled(name="cut after a message that says the dump is complete", spoil=unfolded(marked_inside_data),
                caught_as=FaultKind.NOT_COMPLETE),
    )  # fmt: skip


def _rows(text: bytes, table: bytes) -> tuple[int, int]:
    """Where a table's rows begin and end. Raises LookupError."""
    for found in _DATA.finditer(text):
        if found["table"] == table:
            return found.span("rows")
    raise LookupError(f"the dump has no rows of {table.decode()}")


def _bit_flipped(good: bytes) -> bytes:
    middle = len(good) // 2
    return good[:middle] + bytes([good[middle] ^ 0x10]) + good[middle + 1 :]
