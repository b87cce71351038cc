"""The ledger and the environment's freezes as objects in Cloud Storage, through Google's client.

STORAGE_EMULATOR_HOST names a local server instead of Google; the client reads it itself.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import TransportError
from google.cloud.storage import Bucket, Client
from google.cloud.storage.retry import DEFAULT_RETRY
from requests import RequestException

from shared.adapters.google_api import CALL_SECONDS, READ_SECONDS, our_errors
from shared.errors import Unavailable
from shared.rollout import freezes
from shared.rollout.freezes import Freezes

EMULATOR_VARIABLE = "STORAGE_EMULATOR_HOST"
_UNTRACED_VARIABLE = "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"
FREEZE = "control/freeze.json"
_JSON = "application/json"
# Every call here may be repeated: entries are created once or not at all, and a freeze says the same twice.
RETRY = DEFAULT_RETRY.with_timeout(READ_SECONDS)


def connect() -> Client:
    """Without a project: buckets have names of their own, and asking for one costs a request.

    Without tracing, too, for whose sake the client would read each bucket's metadata in a thread, which we may not.
    """
    os.environ.setdefault(_UNTRACED_VARIABLE, "true")
    if not os.environ.get(EMULATOR_VARIABLE):
        return Client(project=None)
    if "K_SERVICE" in os.environ:
        raise RuntimeError(f"{EMULATOR_VARIABLE} is set on Cloud Run: what is written would be lost")
    return Client(project=None, credentials=AnonymousCredentials())


class StorageLedger:
    """Entries are created once and never overwritten.

    bucket: its name; control_bucket: the one with the freeze, where a retention policy keeps `bucket`'s objects from
    being replaced.
    """

    def __init__(self, bucket: str, control_bucket: str = "") -> None:
        self._name = bucket
        self._control_name = control_bucket or bucket

    @cached_property
    def _client(self) -> Client:
        return connect()

    @cached_property
    def _bucket(self) -> Bucket:
        return self._client.bucket(self._name)

    @cached_property
    def _control(self) -> Bucket:
        return self._client.bucket(self._control_name)

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def append(self, key: str, entry: bytes) -> bool:
        """A repeat of a lost answer says False: the entry is there, and that is what is asked."""
        with storage_errors():
            try:
                self._bucket.blob(key).upload_from_string(
                    entry, content_type=_JSON, if_generation_match=0, timeout=CALL_SECONDS, retry=RETRY
                )
            except PreconditionFailed:
                return False
        return True

    def read(self, key: str) -> bytes | None:
        return _content(self._bucket, key)

    def existing(self, keys: Iterable[str]) -> frozenset[str]:
        """One listing per folder, from the first wanted key to the last: an outbox's keys lie side by side."""
        found: set[str] = set()
        for wanted in by_folder(keys):
            found |= wanted.intersection(self._names("", min(wanted), after(max(wanted))))
        return frozenset(found)

    def keys(self, prefix: str) -> tuple[str, ...]:
        return tuple(self._names(prefix, ""))

    def newest(self, prefix: str, after: str) -> str:
        return max((name for name in self._names(prefix, after) if name > after), default="")

    def freeze(self) -> str:
        text = _content(self._control, FREEZE)
        return freezes.decode(text).reason if text else ""

    def set_freeze(self, holder: str, reason: str, at: datetime) -> Freezes | None:
        with storage_errors():
            present = self._control.get_blob(FREEZE, timeout=CALL_SECONDS, retry=RETRY)
            generation, text = 0, b""
            if present:
                generation = present.generation
                text = present.download_as_bytes(if_generation_match=generation, timeout=CALL_SECONDS, retry=RETRY)
            after = freezes.decode(text).with_wish(holder, reason, at)
            if after is None:
                return None
            self._control.blob(FREEZE).upload_from_string(
                freezes.encode(after),
                content_type=_JSON,
                if_generation_match=generation,
                timeout=CALL_SECONDS,
                retry=None,  # a repeat of a lost answer would look like somebody else's
            )
        return after

    def _names(self, prefix: str, first: str, end: str | None = None) -> Iterator[str]:
        """The names of all objects under `prefix` from `first` on, before `end`, in order."""
        with storage_errors():
            for blob in self._client.list_blobs(
                self._bucket,
                prefix=prefix or None,
                start_offset=first or None,
                end_offset=end,
                fields="items(name),nextPageToken",
                timeout=CALL_SECONDS,
                retry=RETRY,
            ):
                yield blob.name


def by_folder(keys: Iterable[str]) -> Iterable[set[str]]:
    """The keys of each folder: those of one lie side by side in a listing."""
    folders: dict[str, set[str]] = {}
    for key in keys:
        folders.setdefault(key.rpartition("/")[0], set()).add(key)
    return folders.values()


def after(key: str) -> str:
    """The exclusive end of a listing up to `key`; nothing sorts between a name and itself with a lowest character."""
    return f"{key}\x01"


def _content(bucket: Bucket, key: str) -> bytes | None:
    with storage_errors():
        try:
            return bytes(bucket.blob(key).download_as_bytes(timeout=CALL_SECONDS, retry=RETRY))
        except NotFound:
            return None


@contextmanager
def storage_errors() -> Iterator[None]:
    """Ours for Google's and for those of the HTTP library, which this client lets through."""
    try:
        with our_errors():
            yield
    except (RequestException, TransportError) as error:
        raise Unavailable(str(error)) from error
