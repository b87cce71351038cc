r"""A plain dump of pg_dump, given in pieces: its statements line by line, its table data only counted.

In COPY's text format a line feed inside a value is written as an escape, so each line of data is one row and a line
of `\.` ends the data: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-TEXT-FORMAT
Outside of data, function bodies and comments may say anything, also what looks like COPY or like the end of the dump;
a line that begins inside quotes is therefore never read as a statement.
"""

import re
from collections.abc import Callable
from typing import Final

LINE_SIZE_MAX: Final = 1 << 22  # bytes; pg_dump's own lines are far below (a large object is written in 16 KiB pieces)
_NAME: Final = rb'(?:"(?:[^"]|"")+"|[^\s".(]+)'
TABLE: Final = rb"(" + _NAME + rb"\." + _NAME + rb")"
_COPY: Final = re.compile(rb"COPY " + TABLE + rb"\s+(?:\(.*\) )?FROM stdin;", re.DOTALL)
_END_OF_DATA: Final = b"\n\\.\n"
_QUOTE: Final = re.compile(rb"--[^\n]*|'|\"|\$\w*\$")


class DumpLines:
    """on_line gets every line outside of quotes and of data, without its line feed.

    rows: by table, as pg_dump writes its name ('public.messages', 'public."Odd name"').
    """

    def __init__(self, on_line: Callable[[bytes], None]) -> None:
        self.rows: dict[str, int] = {}
        self.copying = ""  # the table whose data is being read
        self.too_long = False
        self._on_line = on_line
        self._quote = b""  # what ends the quotation that is open
        self._rest = b""

    @property
    def quoting(self) -> bool:
        return bool(self._quote)

    def feed(self, piece: bytes) -> None:
        data = self._rest + piece
        self._rest = b""
        while data:
            data = self._read_data(data) if self.copying else self._read_lines(data)

    def finish(self) -> None:
        """The last line needs no line feed."""
        if self._rest and not self.copying:
            self._read_line(self._rest)

    def _read_data(self, data: bytes) -> bytes:
        """`data` begins with the line feed before the next row whenever the end of the data may follow it."""
        at = data.find(_END_OF_DATA)
        if at >= 0:
            self.rows[self.copying] += data.count(b"\n", 0, at + 1)
            self.copying = ""
            return data[at + len(_END_OF_DATA) :]
        cut = data.rfind(b"\n")
        if cut >= 0 and len(data) - cut < len(_END_OF_DATA):
            self._rest = data[cut:]
            data = data[:cut]
        self.rows[self.copying] += data.count(b"\n")
        return b""

    def _read_lines(self, data: bytes) -> bytes:
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._read_line(data[start:end])
            start = end + 1
            if self.copying:
                # The header's own line feed stands before the first row; it is counted with the rows, hence the -1.
                return b"\n" + data[start:]
        self._rest = data[start:]
        if len(self._rest) > LINE_SIZE_MAX:
            self.too_long = True
            self._rest = b""
        return b""

    def _read_line(self, line: bytes) -> None:
        if self._quote:
            self._follow_quotes(line)
            return
        found = _COPY.fullmatch(line)
        if found is not None:
            self.copying = found[1].decode("utf-8", "replace")
            self.rows[self.copying] = self.rows.get(self.copying, 0) - 1
        else:
            self._follow_quotes(line)
        self._on_line(line)

    def _follow_quotes(self, line: bytes) -> None:
        """pg_dump doubles a quote inside quotes, so closing and opening again comes to the same."""
        at = 0
        while True:
            if self._quote:
                end = line.find(self._quote, at)
                if end < 0:
                    return
                at, self._quote = end + len(self._quote), b""
            else:
                found = _QUOTE.search(line, at)
                if found is None or found[0].startswith(b"--"):
                    return
                at, self._quote = found.end(), found[0]
