"""A release's own files put into the assets bucket as the pipeline does it: every file, and last the list of them."""

import json
from collections.abc import Mapping
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from shared.events import asset_listing

_TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".map": "application/json"}


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
            kind = _TYPES.get(Path(name).suffix, "application/octet-stream")
            self._bucket.blob(name).upload_from_string(content, content_type=kind)

    def list_release(self, digest: str, files: Mapping[str, bytes]) -> None:
        """Says that the upload of the release's files is over, and which they are."""
        rows = [{"name": name, "size": len(content)} for name, content in files.items()]
        body = json.dumps({"digest": digest, "files": rows})
        self._bucket.blob(asset_listing.key_of(digest)).upload_from_string(body, content_type="application/json")
