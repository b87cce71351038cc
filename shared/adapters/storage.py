"""The ledger and the environment's freeze as objects in one Cloud Storage bucket.

STORAGE_EMULATOR_HOST names a local server instead of Google; the client reads it itself.
"""

import json
import os
from collections.abc import Iterable
from functools import cached_property

from google.api_core.exceptions import PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud.exceptions import NotFound
from google.cloud.storage import Bucket, Client
from requests import RequestException

from shared.adapters.google_api import CALL_SECONDS, our_errors
from shared.errors import Unavailable

FREEZE = "control/freeze.json"
_JSON = "application/json"


class StorageLedger:
    """bucket: its name; entries are created once and never overwritten."""

    def __init__(self, bucket: str) -> None:
        self._name = bucket

    @cached_property
    def _client(self) -> Client:
        if os.environ.get("STORAGE_EMULATOR_HOST"):
            return Client(project="local", credentials=AnonymousCredentials())
        return Client()

    @cached_property
    def _bucket(self) -> Bucket:
        return self._client.bucket(self._name)

    def close(self) -> None:
        """Ends the connections, if there are any."""
        if "_client" in self.__dict__:
            self._client.close()

    def append(self, key: str, entry: bytes) -> bool:
        """False when the key is written already."""
        try:
            self._upload(key, entry, generation=0)
        except PreconditionFailed:
            return False
        return True

    def read(self, key: str) -> bytes | None:
        try:
            with our_errors():
                return bytes(self._bucket.blob(key).download_as_bytes(timeout=CALL_SECONDS))
        except RequestException as error:
            raise Unavailable(str(error)) from error
        except (NotFound, LookupError):
            return None

    def existing(self, keys: Iterable[str]) -> frozenset[str]:
        """One small request a key; there are never more keys than the outbox holds."""
        try:
            with our_errors():
                return frozenset(key for key in keys if self._bucket.blob(key).exists(timeout=CALL_SECONDS))
        except RequestException as error:
            raise Unavailable(str(error)) from error

    def newest(self, prefix: str, after: str) -> str:
        try:
            with our_errors():
                found = self._client.list_blobs(
                    self._bucket,
                    prefix=prefix,
                    start_offset=after,
                    fields="items(name),nextPageToken",
                    timeout=CALL_SECONDS,
                )
                return max((blob.name for blob in found if blob.name > after), default="")
        except RequestException as error:
            raise Unavailable(str(error)) from error

    def freeze(self) -> str:
        text = self.read(FREEZE)
        return str(json.loads(text).get("reason", "")) if text else ""

    def set_freeze(self, reason: str) -> None:
        """The newest word counts, so no generation is asked for."""
        self._upload(FREEZE, json.dumps({"reason": reason}).encode(), generation=None)

    def _upload(self, key: str, entry: bytes, generation: int | None) -> None:
        try:
            self._bucket.blob(key).upload_from_string(
                entry, content_type=_JSON, if_generation_match=generation, timeout=CALL_SECONDS
            )
        except PreconditionFailed:
            raise
        except RequestException as error:
            raise Unavailable(str(error)) from error
