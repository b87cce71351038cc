"""The ledger as a reader sees it: a bucket, or a folder somebody downloaded it to."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Source(Protocol):
    """Objects by name, "/" between folders."""

    def keys(self, prefix: str) -> list[str]:
        """In order."""

    def read(self, key: str) -> bytes: ...


class Folder:
    """What `gcloud storage cp -r gs://BUCKET/* FOLDER` makes."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise NotADirectoryError(f"{root} is no folder; name one, or gs://BUCKET")
        self._root = root

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self._names() if key.startswith(prefix))

    def read(self, key: str) -> bytes:
        return (self._root / key).read_bytes()

    def _names(self) -> Iterator[str]:
        return (path.relative_to(self._root).as_posix() for path in self._root.rglob("*.json"))


class Bucket:
    """STORAGE_EMULATOR_HOST names a local cloud."""

    def __init__(self, name: str) -> None:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.storage import Client

        local = bool(os.environ.get("STORAGE_EMULATOR_HOST"))
        self._client = Client(project=None, credentials=AnonymousCredentials() if local else None)
        self._bucket = self._client.bucket(name)

    def keys(self, prefix: str) -> list[str]:
        return [blob.name for blob in self._client.list_blobs(self._bucket, prefix=prefix, timeout=30)]

    def read(self, key: str) -> bytes:
        return bytes(self._bucket.blob(key).download_as_bytes(timeout=30))


def source(name: str) -> Source:
    """gs://BUCKET or a folder. Raises NotADirectoryError."""
    return Bucket(name.removeprefix("gs://").strip("/")) if name.startswith("gs://") else Folder(Path(name))
