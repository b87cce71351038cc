"""A gzip file given in pieces comes out in pieces of bounded size, every member's CRC and length checked.

https://www.rfc-editor.org/rfc/rfc1952
"""

import zlib
from collections.abc import Iterator
from typing import Final

from shared.backup.faults import Fault, FaultKind

PIECE_SIZE_MAX: Final = 1 << 18  # bytes; what one piece may unfold to, however well it was compressed
_GZIP: Final = 16 + zlib.MAX_WBITS
_MAGIC: Final = b"\x1f\x8b"


class GzipStream:
    """Reads members one after another, as parallel compressors and composed objects write them."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.compressed_size = 0  # bytes
        self.raw_size = 0  # bytes
        self._inflate = zlib.decompressobj(_GZIP)
        self._ended = False
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What `piece` unfolds to; nothing more after a fault."""
        self.compressed_size += len(piece)
        data = self._rest + piece
        self._rest = b""
        while data and self.fault is None:
            if self._ended:
                if len(data) < len(_MAGIC):
                    self._rest = data
                    return
                if not data.startswith(_MAGIC):
                    self._fail(FaultKind.TRAILING_DATA, f"{len(data)} or more bytes follow the end of the gzip data")
                    return
                self._inflate, self._ended = zlib.decompressobj(_GZIP), False
            try:
                raw = self._inflate.decompress(data, PIECE_SIZE_MAX)
            except zlib.error as error:
                self._fail(FaultKind.GZIP_DAMAGED, f"the gzip data is damaged: {error}")
                return
            self._ended = self._inflate.eof
            data = self._inflate.unused_data if self._ended else self._inflate.unconsumed_tail
            self.raw_size += len(raw)
            yield raw

    def finish(self) -> Fault | None:
        """The fault of the whole file, or None."""
        if self.fault is None:
            if not self.compressed_size:
                self._fail(FaultKind.EMPTY, "the file is empty")
            elif not self._ended:
                self._fail(FaultKind.GZIP_TRUNCATED, f"the gzip data breaks off after {self.compressed_size} bytes")
            elif self._rest:
                self._fail(FaultKind.TRAILING_DATA, "a byte follows the end of the gzip data")
        return self.fault

    def _fail(self, kind: FaultKind, text: str) -> None:
        self.fault = Fault(kind=kind, text=text)
