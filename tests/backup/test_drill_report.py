"""What a drill asks, reads and reports."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.backup import drill_page, drill_record, drill_report, restored
from shared.backup.restored import Restored
from shared.backup.source import Counted
from shared.errors import InvalidRecord
from tests.backup.drilled import EXPORT, GOOD, HOUR, KEPT, NAME, NIGHT, OBJECTIVES, STEPS


def test_names_tell_databases_and_drills_apart() -> None:
    second = replace(NAME, database="other", position=1)
    assert NAME.throw_away == "drill-chat-20261122030000"
    assert second.throw_away == "drill-chat--1-20261122030000"
    assert NAME.started == "drills/chat/20261122T030000Z-started.json"
    assert len({NAME.started, NAME.passed, NAME.failed, NAME.page, second.started}) == 5
    assert NAME.at(drill_record.started_at(second.passed)) == NAME
    with pytest.raises(InvalidRecord):
        drill_record.started_at("drills/chat/soon-started.json")


def test_the_export_a_drill_restores_is_kept_with_its_beginning() -> None:
    assert drill_record.decode_export(drill_record.encode_export(EXPORT)) == EXPORT
    for bad in (b"{", b"[]", b"{}", b'{"export": {"v": 9}}', b"[" * 100_000):
        with pytest.raises(InvalidRecord):
            drill_record.decode_export(bad)


def test_one_query_asks_for_everything() -> None:
    asked = restored.query(EXPORT.report.rows, "SELECT max(at) FROM m", {"it's": "SELECT true"})
    assert "SELECT 'rows', 'public.\"it''s\"', count(*)::text FROM ONLY public.\"it's\"" in asked
    assert "extract(epoch FROM (SELECT max(at) FROM m))" in asked
    assert "SELECT 'check', 'it''s', ((SELECT true)::boolean)::text" in asked
    assert "newest" not in restored.query((), "", {})


def test_the_answer_is_read_back() -> None:
    answer = (
        b"table,public.messages,\ntable,public.new,\nrows,public.messages,5\nnewest,,0.5\ncheck,a,true\ncheck,b,f\n"
        b"rows,public.spatial,8500\nmember,public.spatial,\n"
    )
    found = restored.read(answer)
    assert found.rows == {"public.messages": 5, "public.new": 0}
    assert found.newest == datetime(1970, 1, 1, microsecond=500000, tzinfo=UTC)
    assert found.checks == {"a": True, "b": False}
    assert found.members == {"public.spatial"}
    assert restored.read(b"newest,,\n").newest is None
    for bad in (b"rows,a\n", b"rows,a,x\n", b"colour,a,b\n", b"newest,,inf\n", b"newest,,1e300\n"):
        with pytest.raises(InvalidRecord):
            restored.read(bad)


def test_a_drill_that_restored_every_row_in_time_passed() -> None:
    report = drill_report.assess(NAME, EXPORT, OBJECTIVES, GOOD, STEPS, "")
    assert report.passed
    body = json.loads(drill_report.encode(report))
    assert (body["passed"], body["problems"], body["rows_restored"]) == (True, [], body["rows_in_file"])
    assert (body["loss_seconds"], body["recovery_seconds"]) == (7200, 1500)
    page = drill_page.page(report)
    assert "**It passed**: 6 rows in 2 tables" in page
    assert "| public.messages | 5 | 5 | 5 | equal |" in page
    assert "| data that would have been lost (RPO) | 2 h | 12 h |" in page
    assert "| bodies | true |" in page


@pytest.mark.parametrize(
    ("found", "steps", "failure", "problem"),
    [
        (replace(GOOD, rows={**GOOD.rows, "public.messages": 4}), STEPS, "", "public.messages has 4 rows"),
        (replace(GOOD, rows={**GOOD.rows, "public.new": 0}), STEPS, "", "public.new was restored and is not"),
        (replace(GOOD, checks={"bodies": False}), STEPS, "", 'The check "bodies" is not true.'),
        (replace(GOOD, newest=NIGHT - 41 * HOUR), STEPS, "", "the source had one of 2026-11-20 08:00:00 UTC"),
        (replace(GOOD, newest=None), STEPS, "", "It has no row; the source had one"),
        (replace(GOOD, newest=NIGHT + 9 * HOUR), STEPS, "", "a clock is wrong"),
        (GOOD, {"import": 2 * HOUR}, "", "The restore took 2 h;"),
        (None, {}, "import failed: no disk", "Import failed: no disk."),
    ],
)
def test_whatever_was_not_kept_fails_the_drill_and_is_told(
    found: Restored | None, steps: dict[str, timedelta], failure: str, problem: str
) -> None:
    report = drill_report.assess(NAME, EXPORT, OBJECTIVES, found, steps, failure)
    assert not report.passed
    [told] = report.problems
    assert problem in told
    assert f"- {told}" in drill_page.page(report)
    assert json.loads(drill_report.encode(report))["problems"] == [told]


def test_an_export_that_is_too_old_is_a_loss_whatever_its_newest_row() -> None:
    report = drill_report.assess(NAME, replace(EXPORT, asked_at=NIGHT - 10 * HOUR), OBJECTIVES, GOOD, STEPS, "")
    assert report.problems == ("13 h of data would be lost; at most 12 h may be.",)


def test_a_quiet_database_has_lost_nothing_and_its_quiet_is_reported() -> None:
    report = drill_report.assess(NAME, EXPORT, OBJECTIVES, GOOD, STEPS, "")
    assert report.passed
    assert report.measured.loss == 2 * HOUR
    assert json.loads(drill_report.encode(report))["newest_row_age_seconds"] == 41 * 3600
    assert "| age of the newest row when exported: how quiet it was | 1 d 17 h | |" in drill_page.page(report)


def test_an_export_nobody_counted_before_is_compared_with_its_file_alone() -> None:
    report = drill_report.assess(
        NAME, replace(EXPORT, source=None, asked_at=None), OBJECTIVES, replace(GOOD, newest=None), STEPS, "", KEPT
    )
    assert report.passed
    assert report.measured.loss == 3 * HOUR
    assert "| public.messages | not counted | 5 | 5 | equal |" in drill_page.page(report)


def test_what_only_grows_must_have_what_the_source_had_before() -> None:
    counted = Counted(at=NIGHT, rows={"public.messages": 6, "public.gone": 1, 'public."it\'s"': 9})
    export = replace(EXPORT, source=counted)
    kept = KEPT | {"public.gone", "public.unknown"}
    report = drill_report.assess(NAME, export, OBJECTIVES, GOOD, STEPS, "", kept)
    assert report.problems == (
        "public.gone was restored with 0 rows; the source had 1 before the export began.",
        "public.messages was restored with 5 rows; the source had 6 before the export began.",
    )


def test_the_tables_of_an_extension_are_its_own_and_not_compared() -> None:
    found = replace(
        GOOD, rows={**GOOD.rows, "public.spatial_ref_sys": 8500}, members=frozenset({"public.spatial_ref_sys"})
    )
    export = replace(EXPORT, report=replace(EXPORT.report, rows={**EXPORT.report.rows, "public.spatial_ref_sys": 0}))
    report = drill_report.assess(NAME, export, OBJECTIVES, found, STEPS, "")
    assert report.passed
    assert "spatial_ref_sys" not in drill_page.page(report)


def test_a_drill_of_which_nothing_is_known_has_failed() -> None:
    body = json.loads(drill_report.encode_lost(NAME, "its beginning is damaged"))
    assert (body["passed"], body["problems"]) == (False, ["its beginning is damaged"])


def test_the_page_of_a_drill_that_broke_off_claims_no_figures() -> None:
    page = drill_page.page(drill_report.assess(NAME, EXPORT, OBJECTIVES, None, {"create": HOUR / 2}, "no disk"))
    assert "**It failed**, and nothing was compared." in page
    assert "| time to restore (RTO) | unknown |" in page
    assert "| of it: make the instance | 30 min | |" in page


def test_a_name_ends_no_cell_of_the_page() -> None:
    odd = replace(EXPORT, report=replace(EXPORT.report, rows={'public."a|b\n\\"': 1}), source=None)
    found = replace(GOOD, rows={'public."a|b\n\\"': 2})
    page = drill_page.page(drill_report.assess(NAME, odd, OBJECTIVES, found, STEPS, ""))
    assert '| public."a\\|b \\\\" | not counted | 1 | 2 | **differs** |' in page
