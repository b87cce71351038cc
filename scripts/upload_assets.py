"""Puts a release's own files into the assets' bucket, and last the marker that says that they are all there.

    scripts/upload_assets.py build/assets --bucket B --digest sha256:…

A page of any release then finds its scripts, whichever revision answers. Nothing is ever overwritten: a file that is
there already gets a new custom time instead, so that the bucket's lifecycle counts from the last release that names it.
A file of the same name and another content is refused, for it may be in use. STORAGE_EMULATOR_HOST names a local cloud.
"""

import argparse
import base64
import json
import mimetypes
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared.events.asset_listing import SERVED, key_of

if TYPE_CHECKING:
    from google.cloud.storage import Bucket

CACHE = "public, max-age=31536000, immutable"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_AT_ONCE = 8
_SECONDS_MAX = 60
_TYPES = {".js": "text/javascript", ".map": "application/json", ".webp": "image/webp", ".woff2": "font/woff2"}
"""What the machine's own table of types may not know, or call otherwise."""


class Asset(NamedTuple):
    """A file of the release. name: as the load balancer asks for it, without the first slash."""

    name: str
    content: bytes
    type: str


class Outcome(Enum):
    UPLOADED = "uploaded"
    KEPT = "there already"


class Differs(Exception):
    """An object of that name has another content."""


def assets(directory: Path) -> Iterator[Asset]:
    """Every file below the directory, by name."""
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        yield asset(path.relative_to(directory).as_posix(), path.read_bytes())


def asset(name: str, content: bytes) -> Asset:
    """With the type that browsers are told."""
    known = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(name, content, known)


def marker(digest: str, found: list[Asset]) -> Asset:
    """What canary_deploy asks for before a frontend's canary starts."""
    files = [{"name": one.name, "size": len(one.content)} for one in found]
    return Asset(key_of(digest), json.dumps({"digest": digest, "files": files}).encode(), "application/json")


def put(bucket: "Bucket", one: Asset, now: datetime) -> Outcome:
    """The object is there with this content, and its custom time is now. Raises Differs."""
    from google.api_core.exceptions import PreconditionFailed

    blob = bucket.blob(one.name)
    blob.cache_control, blob.custom_time = CACHE, now
    try:
        blob.upload_from_string(
            one.content, content_type=one.type, if_generation_match=0, checksum="crc32c", timeout=_SECONDS_MAX
        )
    except PreconditionFailed:
        blob = bucket.blob(one.name)
        blob.reload(timeout=_SECONDS_MAX)
        if blob.crc32c != _crc32c(one.content):
            raise Differs(one.name) from None
        if blob.custom_time is None or blob.custom_time < now:  # it can only be moved forward
            blob.custom_time = now
            blob.patch(timeout=_SECONDS_MAX)
        return Outcome.KEPT
    return Outcome.UPLOADED


def upload(bucket: "Bucket", found: list[Asset], digest: str, now: datetime) -> list[Outcome]:
    """Each file's outcome; the marker is written once all are there. Raises Differs."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(lambda one: put(bucket, one, now), found))
    put(bucket, marker(digest, found), now)
    return outcomes


def _crc32c(content: bytes) -> str:
    from google_crc32c import value

    return base64.b64encode(value(content).to_bytes(4, "big")).decode()


def _bucket(name: str) -> "Bucket":
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    local = bool(os.environ.get("STORAGE_EMULATOR_HOST"))
    client = Client(project="local", credentials=AnonymousCredentials()) if local else Client()
    return client.bucket(name)


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="holds _next/static of the release")
    parser.add_argument("--bucket", required=True, help="the assets' bucket")
    parser.add_argument("--digest", required=True, help="of the image that the files are from, sha256:…")
    options = parser.parse_args()
    if not _DIGEST.fullmatch(options.digest):
        parser.error(f'--digest: must be "sha256:" and 64 hex digits, not "{options.digest}"')
    found = list(assets(options.directory))
    if not found:
        parser.error(f"{options.directory}: holds no file; a release without assets is none of a frontend")
    if others := [asset.name for asset in found if not asset.name.startswith(SERVED)]:
        parser.error(f"{others[0]}: is served by nobody; names must begin with {SERVED}")
    try:
        outcomes = upload(_bucket(options.bucket), found, options.digest, datetime.now(UTC))
    except Differs as problem:
        print(f"{problem}: is there with another content, and may be in use; nothing was overwritten", file=sys.stderr)
        return 1
    size = sum(len(one.content) for one in found)
    new = outcomes.count(Outcome.UPLOADED)
    print(f"{len(found)} files, {size} bytes: {new} uploaded, {len(found) - new} there already.")
    print(f"gs://{options.bucket}/{key_of(options.digest)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
