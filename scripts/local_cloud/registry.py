"""A small Artifact Registry: an image is a command to run, its digest is of that command, and a push is announced.

https://cloud.google.com/artifact-registry/docs/configure-notifications
"""

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.local_cloud.contracts import Publisher

TOPIC = "gcr"


def digest_of(command: Sequence[str]) -> str:
    """The digest of the image that runs this command."""
    manifest = json.dumps({"command": list(command)}, separators=(",", ":")).encode()
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


class Registry:
    """Implements contracts.Images."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._lock = threading.Lock()
        self._commands: dict[str, tuple[str, ...]] = {}  # by repository@digest
        self._tags: dict[str, str] = {}  # from repository:tag to repository@digest

    def push(self, repository: str, tag: str, command: Sequence[str]) -> str:
        """As `docker push repository:tag` does; the digest. Told in two messages: of the manifest, and of the tag."""
        digest = digest_of(command)
        by_digest, by_tag = f"{repository}@{digest}", f"{repository}:{tag}"
        with self._lock:
            self._commands[by_digest] = tuple(command)
            self._tags[by_tag] = by_digest
        self._tell({"action": "INSERT", "digest": by_digest})
        self._tell({"action": "INSERT", "digest": by_digest, "tag": by_tag})
        return digest

    def delete_tag(self, repository: str, tag: str) -> None:
        """Raises KeyError when there is no such tag. The image stays, by its digest."""
        name = f"{repository}:{tag}"
        with self._lock:
            del self._tags[name]
        self._tell({"action": "DELETE", "tag": name})

    def command(self, reference: str) -> Sequence[str] | None:
        """The command of `repository@sha256:…` (or `:tag`), or None when there is no such image."""
        with self._lock:
            return self._commands.get(self._tags.get(reference, reference))

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: every tag with the digest it stands for now."""
        with self._lock:
            return dict(self._tags)

    def _tell(self, body: Mapping[str, str]) -> None:
        self._publisher.publish(TOPIC, json.dumps(body).encode(), {})
