"""Large objects of Cloud Storage, read piece by piece as they are stored, through Google's client."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from typing import Final

from google.api_core.exceptions import PreconditionFailed
from google.cloud.storage import Blob, Client

from shared.adapters.storage import RETRY, after, by_folder, connect, storage_errors
from shared.backup.stored import Stored

PIECE_SIZE: Final = 4 << 20  # bytes; what one request brings; memory holds two of them
PIECE_SECONDS: Final = 30.0
COPY_SECONDS: Final = 60.0  # one call of a copy between regions, which answers after about 30 s when it is not done


class StorageObjects:
    """`shared.ports.Objects`."""

    @cached_property
    def _client(self) -> Client:
        return connect()

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def pieces(self, bucket: str, key: str, generation: int, size: int) -> Iterator[bytes]:
        """Pinned to one generation: an object replaced in between is NotFound, never a mixture.

        While one piece is worked on, the next is on its way: what waits for the network does not wait for the reader.
        """
        blob = self._client.bucket(bucket).blob(key, generation=generation)
        starts = iter(range(0, size, PIECE_SIZE))
        with ThreadPoolExecutor(1, thread_name_prefix="piece") as ahead:
            coming = [ahead.submit(_piece, blob, start, size) for start in islice(starts, 1)]
            while coming:
                piece = coming.pop().result()
                coming = [ahead.submit(_piece, blob, start, size) for start in islice(starts, 1)]
                yield piece

    def find(self, bucket: str, key: str) -> Stored | None:
        with storage_errors():
            blob = self._client.bucket(bucket).get_blob(key, timeout=PIECE_SECONDS, retry=RETRY)
        if blob is None:
            return None
        return Stored(generation=int(blob.generation), size=int(blob.size), crc32c=str(blob.crc32c))

    def read(self, bucket: str, key: str) -> bytes:
        with storage_errors():
            blob = self._client.bucket(bucket).blob(key)
            return bytes(blob.download_as_bytes(raw_download=True, timeout=PIECE_SECONDS, retry=RETRY))

    def sizes(self, bucket: str, keys: Iterable[str]) -> Mapping[str, int]:
        """One listing per folder, from the first wanted key to the last."""
        found: dict[str, int] = {}
        for wanted in by_folder(keys):
            with storage_errors():
                for blob in self._client.list_blobs(
                    bucket,
                    start_offset=min(wanted),
                    end_offset=after(max(wanted)),
                    fields="items(name,size),nextPageToken",
                    timeout=PIECE_SECONDS,
                    retry=RETRY,
                ):
                    if blob.name in wanted:
                        found[blob.name] = int(blob.size)
        return found

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str, generation: int | None = None) -> str:
        """https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite."""
        source = self._client.bucket(bucket).blob(key, generation=generation)
        copied = self._client.bucket(to_bucket).blob(to_key)
        with storage_errors():
            if not copied.exists(timeout=PIECE_SECONDS, retry=RETRY):
                _rewrite(source, copied)
            copied.reload(timeout=PIECE_SECONDS, retry=RETRY)
        return str(copied.crc32c)


def _piece(blob: Blob, start: int, size: int) -> bytes:
    with storage_errors():
        piece = blob.download_as_bytes(
            start=start,
            end=min(start + PIECE_SIZE, size) - 1,
            raw_download=True,  # as stored: an object may claim to be gzip and would come unfolded
            checksum=None,  # of a part there is none; gzip's own is checked by the reader
            timeout=PIECE_SECONDS,
            retry=RETRY,
        )
    return bytes(piece)


def _rewrite(source: Blob, copied: Blob) -> None:
    """Somebody else may be first, and has written the same."""
    token, done = None, False
    try:
        while not done:
            token, _, _ = copied.rewrite(source, token=token, if_generation_match=0, timeout=COPY_SECONDS, retry=RETRY)
            done = token is None
    except PreconditionFailed:
        return
