"""A release's own files put into the assets bucket as the pipeline does it: every file, and last the list of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from scripts.upload_assets import asset, marker, put
from shared.events import asset_listing


def files_below(directory: Path) -> dict[str, bytes]:
    """By name in the bucket. directory: a build's `.next/static`."""
    found = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {f"{asset_listing.SERVED}{path.relative_to(directory).as_posix()}": path.read_bytes() for path in found}


class AssetsBucket:
    """url: of the local Cloud Storage."""

    def __init__(self, url: str, name: str) -> None:
        self._client = Client(project="local", credentials=AnonymousCredentials(), client_options={"api_endpoint": url})
        self._bucket = self._client.bucket(name)

    def close(self) -> None:
        self._client.close()

    def upload(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            put(self._bucket, asset(name, content), datetime.now(UTC))

    def list_release(self, digest: str, files: Mapping[str, bytes]) -> None:
        """Says that the upload of the release's files is over, and which they are."""
        put(self._bucket, marker(digest, [asset(*row) for row in files.items()]), datetime.now(UTC))
