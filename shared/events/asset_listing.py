"""What the pipeline writes once all files of a release are in the assets bucket: which they are, and how long each is.

The object `releases/sha256-….json` is written last, so that its presence means that the upload is over.
"""

from collections.abc import Mapping
from typing import Final

from shared.errors import InvalidEvent
from shared.events import fields

SERVED: Final = "_next/static/"  # what the load balancer answers from the bucket


def key_of(digest: str) -> str:
    """Where the list of a release's files lies. digest: of its image, "sha256:…"."""
    return f"releases/{digest.replace(':', '-')}.json"


def parse(content: bytes, digest: str) -> Mapping[str, int]:
    """The size of each file in bytes, by its name in the bucket. Raises InvalidEvent."""
    body = fields.parse_object(content, "content")
    if fields.text(body, "digest") != digest:
        raise InvalidEvent("digest", f'must be "{digest}", not "{body["digest"]}"')
    listed: dict[str, int] = {}
    for index, row in enumerate(fields.rows(body, "files")):
        path = f"files[{index}]."
        name = fields.text(row, "name", path=path)
        if not name.startswith(SERVED):
            raise InvalidEvent(f"{path}name", f'must begin with "{SERVED}", not be "{name}"')
        listed[name] = fields.integer(row, "size", path=path)
    if not listed:
        raise InvalidEvent("files", "must name at least one file")
    return listed
