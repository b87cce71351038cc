"""The list of a release's files, as the pipeline writes it."""

import json
from typing import Any

import pytest

from shared.errors import InvalidEvent
from shared.events import asset_listing

DIGEST = "sha256:" + "a" * 64
CHUNK = "_next/static/chunks/0a1b.js"


def listing(**changes: Any) -> bytes:
    return json.dumps({"digest": DIGEST, "files": [{"name": CHUNK, "size": 9}], **changes}).encode()


def test_a_list_lies_under_its_digest_and_names_every_file_with_its_size() -> None:
    assert asset_listing.key_of(DIGEST) == f"releases/sha256-{'a' * 64}.json"
    assert asset_listing.parse(listing(), DIGEST) == {CHUNK: 9}
    assert asset_listing.parse(listing(commit="later versions may say more"), DIGEST) == {CHUNK: 9}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "content"),
        (listing(digest="sha256:" + "b" * 64), "digest"),
        (listing(digest=None), "digest"),
        (listing(files=None), "files"),
        (listing(files=[]), "files"),
        (listing(files=["a"]), "files[0]"),
        (listing(files=[{"size": 1}]), "files[0].name"),
        (listing(files=[{"name": "releases/x", "size": 1}]), "files[0].name"),
        (listing(files=[{"name": CHUNK}]), "files[0].size"),
    ],
)
def test_what_is_no_such_list_names_its_field(content: bytes, field: str) -> None:
    with pytest.raises(InvalidEvent) as error:
        asset_listing.parse(content, DIGEST)
    assert error.value.field == field
