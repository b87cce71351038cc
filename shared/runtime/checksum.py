"""The checksum of what was really read, which is Cloud Storage's own unless something changed on the way."""

import base64
from collections.abc import Iterable, Iterator


class Checksum:
    """crc32c: base64, as Cloud Storage tells it, of all pieces that went through."""

    def __init__(self) -> None:
        self._value = 0

    @property
    def crc32c(self) -> str:
        return base64.b64encode(self._value.to_bytes(4, "big")).decode()

    def of(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces as they are."""
        import google_crc32c

        for piece in pieces:
            self._value = int(google_crc32c.extend(self._value, piece))
            yield piece
