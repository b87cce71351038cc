"""What the pipeline uploads of a frontend's release: two files and then their list, late, in part or never."""

import json
from collections.abc import Callable
from random import Random

from shared.events.asset_listing import SERVED, key_of
from tests.fakes.objects import FakeObjects

BUCKET = "assets"
LATE_SECONDS = (30.0, 200.0)
SHARES = {"whole": 0.8, "late": 0.1, "partly": 0.05, "never": 0.05}


Later = Callable[[float, Callable[[], None]], None]  # does something so many seconds from now


def uploaded(objects: FakeObjects, digest: str, random: Random, later: Later) -> None:
    """At once, or the list later."""
    how = random.choices(tuple(SHARES), tuple(SHARES.values()))[0]
    names = [f"{SERVED}{digest[7:14]}/{part}.js" for part in ("main", "page")]
    for name in names[: 1 if how == "partly" else 2]:
        objects.contents[BUCKET, name, 1] = b"script"

    def listed() -> None:
        body = {"digest": digest, "files": [{"name": name, "size": 6} for name in names]}
        objects.contents[BUCKET, key_of(digest), 1] = json.dumps(body).encode()

    if how == "late":
        later(random.uniform(*LATE_SECONDS), listed)
    elif how != "never":
        listed()


def is_complete(objects: FakeObjects, digest: str) -> bool:
    """Whether the list and everything on it are there."""
    listing = objects.contents.get((BUCKET, key_of(digest), 1))
    if listing is None:
        return False
    return all((BUCKET, row["name"], 1) in objects.contents for row in json.loads(listing)["files"])
