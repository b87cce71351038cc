"""Large objects of Cloud Storage, read piece by piece as they are stored, through Google's client."""

import os
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from shared.adapters.storage import EMULATOR_VARIABLE, RETRY, storage_errors

PIECE_SIZE: Final = 4 << 20  # bytes; what one request brings, and about what memory holds of the object
PIECE_SECONDS: Final = 30.0


class StorageObjects:
    """`shared.ports.Objects`."""

    @cached_property
    def _client(self) -> Client:
        if not os.environ.get(EMULATOR_VARIABLE):
            return Client(project=None)
        return Client(project=None, credentials=AnonymousCredentials())

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def pieces(self, bucket: str, key: str, generation: int, size: int) -> Iterator[bytes]:
        """Pinned to one generation: an object replaced in between is NotFound, never a mixture."""
        blob = self._client.bucket(bucket).blob(key, generation=generation)
        for start in range(0, size, PIECE_SIZE):
            with storage_errors():
                piece = blob.download_as_bytes(
                    start=start,
                    end=min(start + PIECE_SIZE, size) - 1,
                    raw_download=True,  # as stored: an object may claim to be gzip and would come unfolded
                    checksum=None,  # of a part there is none; gzip's own is checked by the reader
                    timeout=PIECE_SECONDS,
                    retry=RETRY,
                )
            yield bytes(piece)
