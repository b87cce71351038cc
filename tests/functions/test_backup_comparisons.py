"""An export is held to what its source had, and to what is known of its database."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.backup_verify.handler import handle
from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Database
from tests.backup.dumps import GOOD, GOOD_TABLES, dump_text, zipped
from tests.fakes.cloud import FakeCloud
from tests.functions.exports import BACKUPS, DAY, KNOWN, NIGHT, cloud_at_night, export, finalized, key


@pytest.fixture
def cloud() -> FakeCloud:
    return cloud_at_night()


def count(cloud: FakeCloud, answer: str, ago: timedelta = timedelta(minutes=10)) -> None:
    """What the source had so long before the night's export."""
    counts = f"counts/chat/app/{NIGHT:%Y%m%dT%H%M%SZ}.csv"
    cloud.databases.rows["count"] = Operation(
        name="count",
        kind=OperationKind.EXPORT,
        instance="chat",
        asked_at=NIGHT - ago,
        done=True,
        uri=f"gs://landing/{counts}",
    )
    cloud.objects.contents["landing", counts, 1] = answer.encode()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("rows,public.messages,1000\n", "verified"),
        ("rows,public.messages,1001\n", "broken"),
        ("rows,public.rooms,39\n", "broken"),
        ("rows,public.never_seen,0\n", "broken"),
        ("not,a\n", "verified"),
    ],
)
def test_the_first_night_is_compared_with_what_the_source_had(cloud: FakeCloud, answer: str, outcome: str) -> None:
    count(cloud, answer)
    assert handle(export(cloud, zipped(GOOD)), cloud).startswith(outcome)


def test_what_the_source_had_is_entered_with_the_export(cloud: FakeCloud) -> None:
    count(cloud, "rows,public.messages,990\nnewest,,86400\n")
    handle(export(cloud, zipped(GOOD)), cloud)
    [entry] = (json.loads(cloud.ledger.objects[name]) for name in cloud.ledger.keys("catalogue/"))
    assert entry["source"] == {
        "at": (NIGHT - timedelta(minutes=10)).isoformat(),
        "rows": {"public.messages": 990},
        "newest": "1970-01-02T00:00:00+00:00",
    }


def test_a_count_of_hours_ago_says_nothing_of_what_may_be_deleted(cloud: FakeCloud) -> None:
    count(cloud, "rows,public.rooms,500\n", ago=timedelta(hours=3))
    assert handle(export(cloud, zipped(GOOD)), cloud).startswith("verified")


def test_two_databases_are_held_to_what_is_known_of_each(cloud: FakeCloud) -> None:
    known = {"chat/app": KNOWN, "chat/logs": Database(retired=frozenset({"public.rooms"}))}
    backups = replace(BACKUPS, instances={"chat": ("app", "logs")}, known=known)
    cloud.environment = replace(cloud.environment, backups=backups)
    outcomes: dict[str, list[str]] = {}
    for database in ("app", "logs"):
        fewer = {name: rows[:-1] for name, rows in GOOD_TABLES.items() if name != "public.rooms"}
        for night, text in ((NIGHT - DAY, GOOD), (NIGHT, dump_text(fewer))):
            name = key(night).replace("/app/", f"/{database}/")
            row = Operation(name=name, kind=OperationKind.EXPORT, instance="chat", asked_at=night, done=True,
                            uri=f"gs://landing/{name}")  # fmt: skip
            cloud.databases.rows[name] = row
            cloud.objects.contents["landing", name, 7] = zipped(text)
            handle(finalized(name, zipped(text)), cloud)
        last = json.loads(cloud.ledger.objects[cloud.ledger.keys(f"catalogue/chat/{database}/")[-1]])
        outcomes[database] = [fault["kind"] for fault in last["faults"]]
    assert outcomes == {"app": ["rows_lost", "table_missing"], "logs": []}
