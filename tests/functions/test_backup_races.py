"""What happens to an export while it is read: it is replaced, overtaken, or the reader dies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from functions.backup_verify.handler import handle
from shared.errors import Unavailable
from tests.backup.dumps import GOOD, GOOD_TABLES, dump_text, zipped
from tests.fakes.cloud import FakeCloud
from tests.functions.announcements import told
from tests.functions.exports import DAY, NIGHT, cloud_at_night, export, key, lock

TWICE_AS_MANY = zipped(dump_text({**GOOD_TABLES, "public.messages": [*GOOD_TABLES["public.messages"]] * 2}))


@pytest.fixture
def cloud() -> FakeCloud:
    return cloud_at_night()


@contextmanager
def dying_before(cloud: FakeCloud, folder: str) -> Iterator[None]:
    """Inside, the function dies before it enters anything into that folder of the ledger."""
    real = cloud.ledger.append

    def append(name: str, entry: bytes) -> bool:
        if name.startswith(folder):
            raise Unavailable("gone")
        return real(name, entry)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cloud.ledger, "append", append)
        yield


def test_what_took_an_exports_place_after_it_was_read_is_not_locked_in_its_name(cloud: FakeCloud) -> None:
    lock(cloud)
    message, real = export(cloud, zipped(GOOD)), cloud.objects.pieces

    def replaced(bucket: str, name: str, generation: int, size: int) -> Iterator[bytes]:
        yield from real(bucket, name, generation, size)
        cloud.objects.contents[bucket, name, 8] = b"unread"
        del cloud.objects.contents[bucket, name, 7]

    cloud.objects.pieces = replaced  # type: ignore[method-assign, assignment]
    assert handle(message, cloud).startswith("gone")
    assert [place for place in cloud.objects.contents if place[0] == "locked"] == []
    assert told(cloud) == []


def test_an_export_that_was_replaced_before_it_was_read_is_left_to_its_successor(cloud: FakeCloud) -> None:
    message = export(cloud, zipped(GOOD))
    cloud.objects.contents.clear()
    assert handle(message, cloud).startswith("gone: generation")
    assert cloud.ledger.objects == {}


def test_bytes_that_changed_on_the_way_are_not_good_however_whole_they_look(cloud: FakeCloud) -> None:
    message = export(cloud, zipped(GOOD))
    cloud.objects.contents["landing", key(NIGHT), 7] = zipped(GOOD.replace("User 7", "User 8"))
    body = {**json.loads(message.data), "size": str(len(cloud.objects.contents["landing", key(NIGHT), 7]))}
    assert handle(message._replace(data=json.dumps(body).encode()), cloud).startswith("broken")
    [entry] = (json.loads(cloud.ledger.objects[name]) for name in cloud.ledger.keys("catalogue/"))
    assert [fault["kind"] for fault in entry["faults"]] == ["read_differs"]


def test_nothing_is_entered_when_it_could_not_be_told(cloud: FakeCloud) -> None:
    message = export(cloud, zipped(GOOD))
    cloud.messages.down = True
    with pytest.raises(Unavailable):
        handle(message, cloud)
    assert cloud.ledger.keys("catalogue/") == ()
    cloud.messages.down = False
    assert handle(message, cloud).startswith("verified")


def test_a_verdict_that_was_told_stands_although_the_night_before_is_entered_after_it(cloud: FakeCloud) -> None:
    """The night before has twice the messages: whoever judged again would call this one broken."""
    lock(cloud)
    before, message = export(cloud, TWICE_AS_MANY, NIGHT - DAY), export(cloud, zipped(GOOD))
    with dying_before(cloud, "catalogue/"), pytest.raises(Unavailable):
        handle(message, cloud)
    assert handle(before, cloud).startswith("verified")
    assert handle(message, cloud).startswith("verified")
    assert told(cloud) == [("export.verified", "info")] * 3, "twice of one, by one key"
    assert {name for bucket, name, _ in cloud.objects.contents if bucket == "locked"} == {key(NIGHT), key(NIGHT - DAY)}


def test_of_two_that_read_at_the_same_time_the_first_verdict_stands(cloud: FakeCloud) -> None:
    before, message = export(cloud, TWICE_AS_MANY, NIGHT - DAY), export(cloud, zipped(GOOD))
    real = cloud.objects.pieces

    def overtaken(bucket: str, name: str, generation: int, size: int) -> Iterator[bytes]:
        cloud.objects.pieces = real  # type: ignore[method-assign]
        yield from real(bucket, name, generation, size)
        handle(message, cloud)
        handle(before, cloud)

    cloud.objects.pieces = overtaken  # type: ignore[method-assign, assignment]
    assert handle(message, cloud).startswith("verified")
    assert ("export.broken", "page") not in told(cloud)
