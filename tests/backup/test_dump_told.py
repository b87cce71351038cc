"""What people are told of a dump that is not whole, word for word, and what is read of one in odd characters."""

import gzip
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.backup import acceptance, catalogue, drill_page, drill_report, names
from shared.backup.dump import DumpReader, read_dump
from shared.backup.dump_lines import LINE_SIZE_MAX
from shared.backup.instance_backups import InstanceBackups
from shared.backup.spans import in_words
from shared.errors import InvalidRecord
from tests.backup.drilled import EXPORT, NAME, OBJECTIVES
from tests.backup.dumps import GOOD, MARK, dump_text, pieces, zipped

IN_COPY = GOOD[: GOOD.index("7\tUser") + 3]
DAMAGED = b"no gzip at all"
BARE = "CREATE TABLE public.b (\n    a int\n);\nCREATE TABLE public.a (\n    b int\n);\n"


@pytest.mark.parametrize(
    ("pieces_", "told"),
    [
        ([], ["the file is empty"]),
        ([zipped(GOOD)[:500]], ["the gzip data breaks off after 500 bytes"]),
        ([zipped(GOOD)[:200], zipped(GOOD)[200:500]], ["the gzip data breaks off after 500 bytes"]),
        ([zipped(GOOD), b"x"], ["a byte follows the end of the gzip data"]),
        ([zipped(GOOD), b"more"], ["4 or more bytes follow the end of the gzip data"]),
        ([zipped(GOOD), b"no"], ["2 or more bytes follow the end of the gzip data"]),
        ([DAMAGED], ["the gzip data is damaged: Error -3 while decompressing data: incorrect header check"]),
        (
            [zipped(IN_COPY)],
            ["ends inside the data of public.users, after 6 rows", "pg_dump did not say that the dump is complete"],
        ),
        (
            [zipped(GOOD[: GOOD.index("1\tUser")])],
            ["ends inside the data of public.users, after 0 rows", "pg_dump did not say that the dump is complete"],
        ),
        ([zipped(GOOD[: GOOD.index(MARK)])], ["pg_dump did not say that the dump is complete"]),
        ([zipped(f"{GOOD}COMMENT ON TABLE public.users IS 'who\n")], ["ends inside a quotation"]),
        (
            [zipped(GOOD.replace("SELECT", "x" * (2 * LINE_SIZE_MAX) + "\nSELECT", 1))],
            [f"a statement's line is longer than {LINE_SIZE_MAX} bytes"],
        ),
        (
            [zipped(dump_text(server="16.2", tool="15.18"))],
            ["pg_dump 15.18 is older than the server 16.2 it dumped from"],
        ),
        (
            [zipped(GOOD.replace("-- Dumped by pg_dump version", "-- Dumped by"))],
            ["the head names no version of the server or of pg_dump"],
        ),
        (
            [zipped(GOOD.replace("-- Dumped from database version", "-- Dumped from"))],
            ["the head names no version of the server or of pg_dump"],
        ),
        ([zipped(dump_text({}))], ["no table's data is in it"]),
        (
            [
                zipped(
                    dump_text(
                        statements="CREATE TABLE public.b (\n    a int\n);\nCREATE TABLE public.a (\n    b int\n);\n"
                    )
                )
            ],
            ["creates public.a, public.b without the data"],
        ),
    ],
)
def test_people_are_told_why_a_dump_is_not_whole(pieces_: list[bytes], told: list[str]) -> None:
    texts = [fault.text for fault in read_dump(pieces_).faults]
    assert texts[: len(told)] == told


def test_a_dump_with_bytes_that_are_no_text_is_read_all_the_same() -> None:
    data = dump_text({"public.x": ["1\ta"]}, extensions=("pg?",), server="15.1?", tool="15.1?").encode()
    data = data.replace(b"?", b"\xff").replace(b"public.x", b'public."\xff"')
    report = read_dump([gzip.compress(data)])
    assert report.faults == ()
    assert report.rows == {'public."\ufffd"': 1}
    assert report.extensions == ("pg\ufffd",)
    assert (report.server_version, report.tool_version) == ("15.1\ufffd", "15.1\ufffd")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_sizes_and_rows_are_the_same_however_it_arrives(size: int) -> None:
    data = zipped(GOOD)
    report = read_dump(pieces(data, size))
    assert (report.compressed_size, report.raw_size) == (len(data), len(GOOD.encode()))
    assert report.rows == {"public.messages": 1000, "public.rooms": 20, "public.users": 200}


def test_an_empty_table_has_no_row_and_a_report_before_any_byte_has_no_version() -> None:
    assert read_dump([zipped(dump_text({"public.a": [], "public.b": ["1\tx"]}))]).rows == {"public.a": 0, "public.b": 1}
    cut = dump_text({"public.a": ["1\tx"]})
    assert read_dump([zipped(cut[: cut.index("1\tx")])]).rows == {"public.a": 0}
    report = DumpReader().finish()
    assert (report.server_version, report.tool_version, report.rows) == ("", "", {})


def test_what_the_catalogue_refuses_it_says() -> None:
    encoded = catalogue.encode(EXPORT)
    assert encoded.startswith(b'{\n "v": ')
    for old, new, refusal in (
        (b'"v": 1', b'"v": 9', "this version reads 1, not 9"),
        (EXPORT.name.key.encode(), b"elsewhere", "elsewhere names no export"),
    ):
        with pytest.raises(InvalidRecord) as error:
            catalogue.decode(encoded.replace(old, new))
        assert str(error.value).endswith(refusal)


def test_an_instance_that_keeps_no_backups_says_so() -> None:
    whole = InstanceBackups(enabled=True, point_in_time=True, log_days=7)
    assert whole.shortcomings(7) == ()
    assert replace(whole, enabled=False).shortcomings(7) == ("its automated backups are switched off",)
    assert replace(whole, point_in_time=False).shortcomings(7) == (
        "it keeps no log, so that nothing can be restored to a point in time",
    )
    assert whole.shortcomings(8) == ("its log reaches 7 days back, and 8 were configured",)


def test_a_long_name_is_cut_where_it_still_ends_as_a_name() -> None:
    assert names.drill_instance("a" * 60, NAME.started_at) == f"drill-{'a' * 50}-20261122030000"
    assert names.drill_instance("a" * 48 + "--b", NAME.started_at) == f"drill-{'a' * 48}-20261122030000"
    with pytest.raises(ValueError, match=r"^the period must be above zero$"):
        names.night_of(NAME.started_at, timedelta())


def test_a_drill_that_came_to_nothing_is_told_without_figures() -> None:
    steps = {"create": timedelta(minutes=2), "clean": timedelta(seconds=5)}
    told = drill_page.page(drill_report.assess(NAME, EXPORT, OBJECTIVES, None, steps, "the instance never came up"))
    assert "\n**It failed**, and nothing was compared.\n" in told
    assert "| data that would have been lost (RPO) | unknown | 12 h |" in told
    assert "| time to restore (RTO) | unknown | 1 h |" in told
    assert "| of it: clean | 5 s | |" in told


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.84, "0.8 s"), (59.94, "59.9 s"), (60, "1 min"), (3600, "1 h"), (86_400, "1 d"), (90, "1 min 30 s")],
)
def test_a_span_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize("zone", ["UTC", "Africa/Nairobi"])
def test_a_machine_in_another_zone_reads_and_names_the_same_moments(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        night = datetime(2026, 11, 22, 3, tzinfo=UTC)
        assert names.drill_instance("chat", night) == "drill-chat-20261122030000"
        assert names.night_of(night, timedelta(days=1)).isoformat() == "2026-11-22T00:00:00+00:00"
        assert catalogue.decode(catalogue.encode(EXPORT)).verified_at.isoformat() == EXPORT.verified_at.isoformat()
        word = acceptance.Acceptance(by="amina", why="x", at=night)
        assert acceptance.decode(acceptance.encode(word, "k", ())).at.isoformat() == "2026-11-22T03:00:00+00:00"
    finally:
        monkeypatch.undo()
        time.tzset()
