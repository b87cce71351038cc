"""One pass over a compressed dump says whether it is whole, and what is in it.

Memory is bounded by one unfolded piece, one statement line and the names of the tables, whatever the size of the file.
What pg_dump writes: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/bin/pg_dump/pg_backup_archiver.c
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final

from shared.backup.dump_lines import LINE_SIZE_MAX, TABLE, DumpLines
from shared.backup.faults import Fault, FaultKind
from shared.backup.gzip_stream import GzipStream
from shared.values import value

_COMPLETE: Final = b"-- PostgreSQL database dump complete"
_SERVER: Final = re.compile(rb"-- Dumped from database version (\S+)")
_TOOL: Final = re.compile(rb"-- Dumped by pg_dump version (\S+)")
_CREATED: Final = re.compile(rb"CREATE (?:UNLOGGED )?TABLE " + TABLE + rb" (?:\(|OF )")
_EXTENSION: Final = re.compile(rb'CREATE EXTENSION (?:IF NOT EXISTS )?"?([^\s";]+)')


@value
class DumpReport:
    """What one reading found; the dump is whole when there are no faults.

    rows: by table, as the dump names it; server_version and tool_version: as the dump's head says, "15.18";
    compressed_size, raw_size: bytes.
    """

    compressed_size: int
    raw_size: int
    server_version: str = ""
    tool_version: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


class DumpReader:
    """Takes the file piece by piece (`feed`), then answers (`finish`)."""

    def __init__(self) -> None:
        self._stream = GzipStream()
        self._lines = DumpLines(self._read)
        self._complete = False
        self._server = ""
        self._tool = ""
        self._extensions: list[str] = []
        self._created: set[str] = set()
        self._creating = ""

    def feed(self, piece: bytes) -> None:
        """piece: the next compressed bytes, of any size above zero."""
        for raw in self._stream.feed(piece):
            self._lines.feed(raw)

    def finish(self) -> DumpReport:
        damage = self._stream.finish()
        self._lines.finish()
        return DumpReport(
            compressed_size=self._stream.compressed_size,
            raw_size=self._stream.raw_size,
            server_version=self._server,
            tool_version=self._tool,
            rows={table: max(rows, 0) for table, rows in sorted(self._lines.rows.items())},
            extensions=tuple(sorted(self._extensions)),
            faults=(*((damage,) if damage else ()), *self._text_faults(), *self._content_faults()),
        )

    def _read(self, line: bytes) -> None:
        """One line outside of quotes and data. A COPY after the end's mark means that the end was another one's."""
        if line.startswith(b"COPY "):
            self._complete = False
        elif line.startswith(b"--"):
            self._read_comment(line)
        elif found := _CREATED.match(line):
            self._creating = found[1].decode("utf-8", "replace")
        elif line.startswith(b"PARTITION BY"):  # a partitioned table holds no rows of its own
            self._creating = ""
        elif found := _EXTENSION.match(line):
            self._extensions.append(found[1].decode("utf-8", "replace"))
        if self._creating and line.endswith(b";"):
            self._created.add(self._creating)
            self._creating = ""

    def _read_comment(self, line: bytes) -> None:
        if line == _COMPLETE:
            self._complete = True
        elif found := _SERVER.match(line):
            self._server = found[1].decode("utf-8", "replace")
        elif found := _TOOL.match(line):
            self._tool = found[1].decode("utf-8", "replace")

    def _text_faults(self) -> Iterable[Fault]:
        lines = self._lines
        if lines.too_long:
            yield _fault(FaultKind.LINE_TOO_LONG, f"a statement's line is longer than {LINE_SIZE_MAX} bytes")
        if lines.copying:
            rows = max(lines.rows[lines.copying], 0)
            yield _fault(FaultKind.CUT_INSIDE_COPY, f"ends inside the data of {lines.copying}, after {rows} rows")
        elif lines.quoting:
            yield _fault(FaultKind.CUT_INSIDE_STATEMENT, "ends inside a quotation")
        if not self._complete:
            yield _fault(FaultKind.NOT_COMPLETE, "pg_dump did not say that the dump is complete")

    def _content_faults(self) -> Iterable[Fault]:
        rows = self._lines.rows
        server, tool = _major(self._server), _major(self._tool)
        if not server or not tool:
            yield _fault(FaultKind.NO_VERSION, "the head names no version of the server or of pg_dump")
        elif tool < server:
            yield _fault(
                FaultKind.OLD_TOOL, f"pg_dump {self._tool} is older than the server {self._server} it dumped from"
            )
        if not rows:
            yield _fault(FaultKind.NO_TABLES, "no table's data is in it")
        elif without := sorted(self._created - set(rows)):
            names = ", ".join(without)
            yield _fault(FaultKind.TABLE_WITHOUT_DATA, f"creates {names} without the data")


def read_dump(pieces: Iterable[bytes]) -> DumpReport:
    """The report on a file given as its pieces, in order."""
    reader = DumpReader()
    for piece in pieces:
        reader.feed(piece)
    return reader.finish()


def _major(version: str) -> int:
    """15 of "15.18" or of "15beta1"; 0 when there is none."""
    digits = re.match(r"\d+", version)
    return int(digits[0]) if digits else 0


def _fault(kind: FaultKind, text: str) -> Fault:
    return Fault(kind=kind, text=text)
