"""A good night, one that is broken and made again, drills, an export on demand and one accepted: a crash at every call.

Whatever crashes is delivered again, as Pub/Sub does. Everything is in memory, and the same every time. Then the same
with what Cloud SQL may do besides: refuse, fail, hang; and with two deliveries of one message that overlap.
"""

import json
from collections import Counter
from functools import cache
from random import Random

import pytest

from shared.backup import catalogue
from shared.backup.operations import OperationKind
from tests.backup.endings import ENDINGS
from tests.backup.lives import Life
from tests.fakes.cloud import FakeCloud

pytestmark = pytest.mark.no_cover


def check_exports(life: Life, entries: list[bool], locked: int) -> None:
    made = Counter(row.uri for row in life.dumps())
    assert sorted(made.values()) == [1] * len(entries), "two exports of one name"
    folder = [key for key in life.real.ledger.keys("catalogue/") if not key.endswith("accepted.json")]
    found = [catalogue.decode(life.real.ledger.objects[key]) for key in folder]
    assert [entry.good for entry in found] == entries, "a bad dump called good, or a good one lost"
    assert len({key for bucket, key, _ in life.real.objects.contents if bucket == "locked"}) == locked


def check_drills(life: Life, drills: int) -> None:
    made = Counter(row.instance for row in life.real.databases.rows.values() if row.kind is OperationKind.CREATE)
    assert set(made.values()) == {1}, "an instance was made twice"
    assert life.real.databases.names == {"chat"}, "an orphan instance"
    ended = Counter(key.rpartition("-")[2] for key in life.real.ledger.keys("drills/"))
    outcome = "passed" if life.ending.passes else "failed"
    assert ended == {"started.json": drills, f"{outcome}.json": drills, "report.md": drills}


def check(life: Life) -> None:
    """What no crash may change."""
    check_exports(life, [True, False, True, False, True], locked=4)
    check_drills(life, 2)
    assert announced(life.real) == {
        "export.verified": 3,
        "export.broken": 2,
        "export.accepted": 1,
        "drill.passed": 2,
    }


def check_shortly(life: Life) -> None:
    check_exports(life, [True], locked=1)
    check_drills(life, 1)
    told = announced(life.real)
    drill = "drill.passed" if life.ending.passes else "drill.failed"
    leftover = {"drill.leftover"} if life.ending.orphan else set()
    assert {kind for kind in told if kind.startswith("drill.")} == {drill} | leftover
    assert told[drill] == 1


def announced(cloud: FakeCloud) -> Counter[str]:
    """Announcements by kind; what was told twice has one key and counts once."""
    rows = [json.loads(row.data) for row in cloud.messages.on("rollout-events")]
    return Counter({row["key"]: row["kind"] for row in rows}.values())


@cache
def undisturbed() -> int:
    """How many moments there are around calls."""
    life = Life()
    life.live()
    check(life)
    return life.moments


@cache
def undisturbed_shortly(ending: str) -> int:
    life = Life(ending=ENDINGS[ending])
    life.live_shortly()
    check_shortly(life)
    return life.moments


def test_a_crash_at_any_call_changes_nothing_in_the_end() -> None:
    for moment in range(1, undisturbed() + 1):
        life = Life(lambda now, moment=moment: now == moment)  # type: ignore[misc]
        life.live()
        check(life)


def test_a_second_delivery_that_overlaps_the_first_at_any_call_changes_nothing_in_the_end() -> None:
    for moment in range(1, undisturbed() + 1):
        life = Life(overlaps=lambda now, moment=moment: now == moment)  # type: ignore[misc]
        life.live()
        check(life)


def test_a_delivery_that_stands_still_at_any_call_while_others_do_its_work_repeats_none_of_it() -> None:
    for moment in range(1, undisturbed_shortly("well") + 1):
        life = Life(overtaken=lambda now, moment=moment: now == moment)  # type: ignore[misc]
        life.live_shortly()
        check_shortly(life)
        assert len({row.uri for row in life.counts()}) == len(life.counts())


@pytest.mark.parametrize("ending", ENDINGS)
def test_however_a_drill_ends_a_crash_at_any_call_leaves_no_instance_and_one_verdict(ending: str) -> None:
    for moment in range(1, undisturbed_shortly(ending) + 1):
        life = Life(lambda now, moment=moment: now == moment, ending=ENDINGS[ending])  # type: ignore[misc]
        life.live_shortly()
        check_shortly(life)


@pytest.mark.parametrize("seed", range(60))
def test_many_crashes_change_nothing_in_the_end(seed: int) -> None:
    dice = Random(seed)
    life = Life(lambda _: dice.random() < 0.04)
    life.live()
    check(life)
