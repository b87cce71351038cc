"""A drop accepted today is quiet tomorrow; damage is accepted by nobody."""

import json
from dataclasses import replace

import pytest

from functions.backup_verify.handler import handle
from scripts.local_cloud.sql.spoiling import Spoiled
from shared.backup.faults import ACCEPTABLE
from shared.errors import InvalidEvent, Unavailable
from shared.events.message import Message
from shared.runtime.backup_ledger import newest_good
from tests.backup.dumps import GOOD, GOOD_TABLES, NINE, dump_text, zipped
from tests.fakes.cloud import FakeCloud
from tests.functions.announcements import told
from tests.functions.exports import BACKUPS, DAY, NIGHT, cloud_at_night, export, key

HALVED = {"public.users": GOOD_TABLES["public.users"][:60], "public.messages": GOOD_TABLES["public.messages"][:300]}
SHRUNK = zipped(dump_text(HALVED, extensions=("pgcrypto", "vector")))


@pytest.fixture
def cloud() -> FakeCloud:
    return cloud_at_night()


def word(name: str = "", **changes: str) -> Message:
    body = {"key": name or key(NIGHT), "by": "ada@example.com", "why": "rooms were dropped in v2-contract", **changes}
    return Message(id="a", topic="backup-acceptances", published_at=NIGHT + DAY / 2, data=json.dumps(body).encode())


@pytest.fixture
def migrated(cloud: FakeCloud) -> FakeCloud:
    """A table dropped, two halved, an extension added, all on purpose: tonight's export is called broken."""
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, locked_bucket="locked"))
    handle(export(cloud, zipped(GOOD), NIGHT - DAY), cloud)
    assert handle(export(cloud, SHRUNK), cloud).startswith("broken")
    cloud.messages.published.clear()
    return cloud


def test_without_a_word_every_later_night_is_broken_too(migrated: FakeCloud) -> None:
    assert handle(export(migrated, SHRUNK, NIGHT + DAY), migrated).startswith("broken")


def test_what_is_accepted_today_is_quiet_tomorrow_and_kept(migrated: FakeCloud) -> None:
    assert handle(word(), migrated) == f"accepted: {key(NIGHT)}"
    assert told(migrated) == [("export.accepted", "info")]
    newest = newest_good(migrated, "chat", "app")
    assert newest is not None
    assert newest.name.night == NIGHT
    assert migrated.objects.contents["locked", key(NIGHT), 1] == SHRUNK
    for days in range(1, 9):
        assert handle(export(migrated, SHRUNK, NIGHT + days * DAY), migrated).startswith("verified")


def test_what_was_accepted_and_by_whom_is_in_the_ledger_beside_the_entry(migrated: FakeCloud) -> None:
    handle(word(), migrated)
    body = json.loads(migrated.ledger.objects["catalogue/chat/app/20261123T000000Z-1-7-accepted.json"])
    assert (body["by"], body["why"]) == ("ada@example.com", "rooms were dropped in v2-contract")
    assert any("public.rooms is missing" in fault for fault in body["faults"])


def test_a_new_loss_after_an_accepted_one_is_told(migrated: FakeCloud) -> None:
    handle(word(), migrated)
    fewer = zipped(dump_text({"public.users": HALVED["public.users"]}, extensions=("pgcrypto", "vector")))
    assert handle(export(migrated, fewer, NIGHT + DAY), migrated).startswith("broken")


def test_a_word_that_comes_again_changes_nothing(migrated: FakeCloud) -> None:
    handle(word(), migrated)
    assert handle(word(by="eve"), migrated) == f"duplicate: {key(NIGHT)} was accepted by ada@example.com."


def test_nothing_is_accepted_when_it_could_not_be_told(migrated: FakeCloud) -> None:
    migrated.messages.down = True
    with pytest.raises(Unavailable):
        handle(word(), migrated)
    assert not [name for name in migrated.ledger.objects if name.endswith("accepted.json")]
    migrated.messages.down = False
    assert handle(word(), migrated).startswith("accepted")


@pytest.mark.parametrize("broken", [one for one in NINE if one.caught_as not in ACCEPTABLE], ids=lambda one: one.name)
def test_damage_is_accepted_by_nobody(migrated: FakeCloud, broken: Spoiled) -> None:
    handle(export(migrated, broken.spoil(zipped(GOOD)), NIGHT + DAY), migrated)
    with pytest.raises(InvalidEvent, match="no whole file"):
        handle(word(key(NIGHT + DAY)), migrated)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (word("exports/chat/other/20261123T000000Z.sql.gz"), "no export of a configured database"),
        (word("anything"), "no export of a configured database"),
        (word(key(NIGHT + DAY)), "was not read yet"),
        (word(key(NIGHT - DAY)), "good as it is"),
        (word(why=""), "why"),
        (word(by=""), "by"),
    ],
)
def test_only_a_broken_export_that_was_read_is_accepted_and_only_with_a_reason(
    migrated: FakeCloud, message: Message, why: str
) -> None:
    with pytest.raises(InvalidEvent, match=why):
        handle(message, migrated)


def test_what_is_not_there_any_more_is_not_accepted(migrated: FakeCloud) -> None:
    del migrated.objects.contents["landing", key(NIGHT), 7]
    with pytest.raises(InvalidEvent, match="not there any more"):
        handle(word(), migrated)
    assert told(migrated) == []


def test_a_copy_of_other_bytes_is_not_accepted(migrated: FakeCloud) -> None:
    migrated.objects.contents["locked", key(NIGHT), 1] = b"other bytes"
    with pytest.raises(InvalidEvent, match="the copy of"):
        handle(word(), migrated)
