"""What people and machines are told of a drill and of an acceptance, word for word."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.backup import acceptance, drill_page, drill_record, drill_report, restored
from shared.backup.acceptance import Acceptance
from shared.backup.restored import Restored
from shared.errors import InvalidRecord
from tests.backup.drilled import EXPORT, GOOD, HOUR, KEPT, NAME, NIGHT, OBJECTIVES, STEPS

MEASURED = """| what was restored | |
|---|---|
| export | `exports/chat/app/20261122T000000Z.sql.gz` |
| what was committed before | 22 November 2026 01:00:00 UTC is in it |
| PostgreSQL | , dumped by pg_dump  |
| size | 1 bytes, 2 of SQL |
| restored into | `drill-chat-20261122030000`, which is deleted after this report |

| | measured | at most |
|---|--:|--:|
| data that would have been lost (RPO) | 2 h | 12 h |
| time to restore (RTO) | 25 min | 1 h |
| of it: make the instance | 20 min | |
| of it: import the dump | 5 min | |"""
ODD = Restored(
    rows={"public.messages": 4, "public.extra": 2, "public.spatial": 8500},
    newest=None,
    checks={"rooms": True, "bodies": False},
    members=frozenset({"public.spatial"}),
)


def test_a_drill_that_failed_is_told_to_people_line_by_line() -> None:
    report = drill_report.assess(NAME, EXPORT, OBJECTIVES, ODD, STEPS, "the import was slow", KEPT)
    assert (
        drill_page.page(report)
        == f"""# Restore drill of app on chat, 22 November 2026 03:00 UTC

**It failed**: 6 rows were restored.

- The import was slow.
- public."it's" was not restored; the file has 1 rows of it.
- public.extra was restored and is not in the file.
- public.messages has 4 rows; the file has 5.
- public.messages was restored with 4 rows; the source had 5 before the export began.
- It has no row; the source had one of 2026-11-20 08:00:00 UTC before the export began.
- The check "bodies" is not true.

{MEASURED}

| table | at the source before | in the file | restored | |
|---|--:|--:|--:|---|
| public."it's" | not counted | 1 | none | **differs** |
| public.extra | not counted | none | 2 | **differs** |
| public.messages | 5 | 5 | 4 | **differs** |

| check of the application | |
|---|---|
| bodies | **not true** |
| rooms | true |
"""
    )


def test_a_drill_that_passed_is_told_to_people_line_by_line() -> None:
    report = drill_report.assess(NAME, replace(EXPORT, source=None), OBJECTIVES, replace(GOOD, checks={}), STEPS, "")
    assert (
        drill_page.page(report)
        == f"""# Restore drill of app on chat, 22 November 2026 03:00 UTC

**It passed**: 6 rows in 2 tables were restored and are all there.

{MEASURED}
| age of the newest row when exported: how quiet it was | 1 d 17 h | |

| table | at the source before | in the file | restored | |
|---|--:|--:|--:|---|
| public."it's" | not counted | 1 | 1 | equal |
| public.messages | not counted | 5 | 5 | equal |
"""
    )


def test_what_a_drill_showed_is_kept_for_machines() -> None:
    report = drill_report.assess(NAME, EXPORT, OBJECTIVES, GOOD, STEPS, "")
    encoded = drill_report.encode(report)
    assert json.loads(encoded) == {
        "v": 1,
        "passed": True,
        "instance": "chat",
        "database": "app",
        "throw_away": "drill-chat-20261122030000",
        "started_at": "2026-11-22T03:00:00+00:00",
        "export": EXPORT.name.key,
        "crc32c": "AAAAAA==",
        "problems": [],
        "rows_in_file": {"public.messages": 5, 'public."it\'s"': 1},
        "rows_restored": {"public.messages": 5, 'public."it\'s"': 1},
        "rows_at_source_before": {"public.messages": 5},
        "checks": {"bodies": True},
        "data_of": "2026-11-22T01:00:00+00:00",
        "newest_row_age_seconds": 41 * 3600.0,
        "loss_seconds": 7200.0,
        "recovery_seconds": 1500.0,
        "loss_seconds_max": 43200.0,
        "recovery_seconds_max": 3600.0,
        "steps_seconds": {"create": 1200.0, "import": 300.0},
    }
    assert encoded.startswith(b'{\n "v": 1,\n'), "a person who opens it reads it"
    uncounted = drill_report.assess(NAME, replace(EXPORT, source=None), OBJECTIVES, None, {}, "the import failed")
    assert json.loads(drill_report.encode(uncounted))["rows_at_source_before"] == {}
    assert uncounted.problems == ("The import failed.",)


def test_a_drill_of_which_only_its_name_is_known_is_kept_too() -> None:
    encoded = drill_report.encode_lost(NAME, "Its beginning cannot be read.")
    assert json.loads(encoded) == {
        "v": 1,
        "passed": False,
        "instance": "chat",
        "database": "app",
        "throw_away": "drill-chat-20261122030000",
        "started_at": "2026-11-22T03:00:00+00:00",
        "problems": ["Its beginning cannot be read."],
    }
    assert encoded.startswith(b'{\n "v": 1,\n')


@pytest.mark.parametrize(
    ("newest", "problems"),
    [
        (NIGHT - 40 * HOUR, ()),
        (NIGHT + 3 * HOUR, ()),
        (NIGHT + 3 * HOUR + timedelta(microseconds=9), ()),
        (
            NIGHT + 3 * HOUR + timedelta(seconds=1),
            ("The newest row is 1 s younger than the drill: a clock is wrong.",),
        ),
        (
            NIGHT - 41 * HOUR,
            (
                (
                    "It has a newest row of 2026-11-20 07:00:00 UTC; the source had one of 2026-11-20 08:00:00 UTC "
                    "before the export began."
                ),
            ),
        ),
    ],
)
def test_the_newest_row_is_as_new_as_the_sources_and_no_newer_than_the_drill(
    newest: datetime, problems: tuple[str, ...]
) -> None:
    assert drill_report.assess(NAME, EXPORT, OBJECTIVES, replace(GOOD, newest=newest), STEPS, "").problems == problems


def test_the_query_of_a_drill_is_one_union() -> None:
    asked = restored.query(["public.b", "public.a"], "SELECT max(at) FROM m", {"z": "SELECT 1", "y": "SELECT 2"})
    parts = asked.split(" UNION ALL ")
    assert parts[0].startswith("SELECT 'table', pg_catalog.format('%I.%I', n.nspname, c.relname), '' FROM ")
    assert parts[1].startswith("SELECT 'member', pg_catalog.format('%I.%I', n.nspname, c.relname), '' FROM ")
    assert parts[2:] == [
        "SELECT 'rows', 'public.a', count(*)::text FROM ONLY public.a",
        "SELECT 'rows', 'public.b', count(*)::text FROM ONLY public.b",
        "SELECT 'newest', '', extract(epoch FROM (SELECT max(at) FROM m))::text",
        "SELECT 'check', 'y', ((SELECT 2)::boolean)::text",
        "SELECT 'check', 'z', ((SELECT 1)::boolean)::text",
    ]


def test_the_query_of_a_source_counts_whatever_tables_there_are() -> None:
    rows, newest = restored.source_query("SELECT max(at) FROM m").split(" UNION ALL ")
    assert rows.startswith("SELECT 'rows', t.name, s.word FROM (SELECT pg_catalog.format('%I.%I', ")
    assert rows.endswith(
        ") t, LATERAL pg_catalog.ts_stat(pg_catalog.format("
        "'SELECT array_to_tsvector(ARRAY[count(*)::text]) FROM ONLY %s', t.name)) s"
    )
    assert newest == "SELECT 'newest', '', extract(epoch FROM (SELECT max(at) FROM m))::text"
    assert restored.source_query("") == rows


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (b"rows,a,x\n", "the database's answer cannot be read: invalid literal for int() with base 10: 'x'"),
        (b"colour,a,b\nshape,a,b\n", "the database's answer has rows of colour, which nobody asked for"),
    ],
)
def test_an_answer_that_says_nothing_is_refused(answer: bytes, refusal: str) -> None:
    with pytest.raises(InvalidRecord) as error:
        restored.read(answer)
    assert str(error.value) == refusal
    assert restored.read(b"rows,a,7\n").newest is None


def test_what_a_drill_set_out_to_do_says_its_version_and_what_is_wrong_with_it() -> None:
    assert json.loads(drill_record.encode_export(EXPORT))["v"] == 1
    assert drill_record.started_at("drills/chat-eu/20261122T030000Z-passed-report.json") == NAME.started_at
    with pytest.raises(InvalidRecord, match=r"^drills/chat/soon-started\.json names no drill$"):
        drill_record.started_at("drills/chat/soon-started.json")
    with pytest.raises(InvalidRecord, match=r"^the drill's beginning cannot be read: KeyError: 'export'$"):
        drill_record.decode_export(b"{}")


def test_an_acceptance_is_kept_for_people_and_read_in_utc() -> None:
    word = Acceptance(by="amina", why="The table was dropped.", at=NIGHT)
    encoded = acceptance.encode(word, "exports/x", ("a is missing",))
    assert json.loads(encoded) == {
        "v": 1,
        "by": "amina",
        "why": "The table was dropped.",
        "at": "2026-11-22T00:00:00+00:00",
        "key": "exports/x",
        "faults": ["a is missing"],
    }
    assert encoded.startswith(b'{\n "v": 1,\n')
    assert acceptance.decode(encoded) == word
    with pytest.raises(InvalidRecord, match=r"^the acceptance cannot be read: KeyError: 'v'$"):
        acceptance.decode(b"{}")
    with pytest.raises(
        InvalidRecord, match=r"^the acceptance cannot be read: ValueError: this version reads 1, not 2$"
    ):
        acceptance.decode(b'{"v": 2}')
