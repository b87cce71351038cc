"""The catalogue knows which export may be relied on, and says the same after writing and reading."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.backup.acceptance import Acceptance
from shared.backup.acceptance import decode as decode_word
from shared.backup.acceptance import encode as encode_word
from shared.backup.catalogue import Entry, baseline, decode, encode, fresh, good_entries
from shared.backup.dump import DumpReport
from shared.backup.faults import Fault, FaultKind
from shared.backup.names import ExportName
from shared.backup.source import Counted
from shared.errors import InvalidRecord

NIGHT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
FAULT = Fault(kind=FaultKind.NOT_COMPLETE, text="cut")


def entry(days: int = 0, *faults: Fault) -> Entry:
    night = NIGHT + timedelta(days=days)
    return Entry(
        name=ExportName(instance="chat", database="app", night=night),
        bucket="landing",
        generation=17,
        crc32c="AAAAAA==",
        verified_at=night + timedelta(minutes=20),
        report=DumpReport(
            compressed_size=10,
            raw_size=40,
            server_version="15.18",
            tool_version="15.18",
            rows={"public.users": 3},
            extensions=("pgcrypto",),
            faults=faults,
        ),
    )


SOURCE = Counted(at=NIGHT, rows={"public.users": 3}, newest=NIGHT)
WORD = Acceptance(by="ada", why="rooms were given up", at=NIGHT + timedelta(hours=5))
SHRUNK = Fault(kind=FaultKind.SIZE_COLLAPSED, text="half")


@pytest.mark.parametrize(
    "written",
    [
        entry(),
        entry(1, FAULT),
        replace(entry(), asked_at=NIGHT, source=SOURCE),
        replace(entry(), source=replace(SOURCE, newest=None)),
        replace(entry(1, SHRUNK), acceptance=WORD),
    ],
)
def test_an_entry_is_read_as_it_was_written(written: Entry) -> None:
    assert decode(encode(written)) == written


def test_an_entry_that_is_nested_too_deep_says_so() -> None:
    with pytest.raises(InvalidRecord, match="RecursionError"):
        decode(b'{"a":' * 100_000)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"key": "exports/elsewhere"},
        {"rows": 7},
        {"generation": "x"},
        {"generation": float("inf")},
        {"faults": [{"kind": "?"}]},
        {"source": {}},
        {"accepted": 3},
        {"asked_at": "soon"},
    ],
)
def test_an_entry_that_cannot_be_read_says_so(change: dict[str, object]) -> None:
    body = json.loads(encode(entry())) | change
    with pytest.raises(InvalidRecord):
        decode(json.dumps(body).encode())


def test_a_good_export_is_never_a_broken_one() -> None:
    assert good_entries([entry(1), entry(2, FAULT), entry(0)]) == [entry(0), entry(1)]


def test_of_two_verifications_of_one_night_the_later_counts() -> None:
    again = replace(entry(), verified_at=NIGHT + timedelta(hours=2))
    assert good_entries([again, entry()])[-1] == again


@pytest.mark.parametrize(
    ("age", "expected"), [(timedelta(0), True), (timedelta(hours=26), True), (timedelta(hours=27), False)]
)
def test_freshness_is_counted_from_the_night_the_data_is_of(age: timedelta, expected: bool) -> None:
    assert fresh(entry(), NIGHT + age, timedelta(hours=26)) is expected


def test_neither_nothing_nor_an_export_of_the_future_is_fresh() -> None:
    assert not fresh(None, NIGHT, timedelta(hours=26))
    assert not fresh(entry(1), NIGHT, timedelta(hours=26))


def test_a_persons_word_makes_a_smaller_export_good_and_never_a_damaged_one() -> None:
    assert not entry(0, SHRUNK).good
    assert replace(entry(0, SHRUNK), acceptance=WORD).good
    assert not replace(entry(0, SHRUNK, FAULT), acceptance=WORD).good


def test_an_accepted_export_is_what_later_ones_are_compared_with() -> None:
    accepted = replace(entry(1, SHRUNK), acceptance=WORD)
    assert baseline([entry(0), accepted, entry(2)]) == [accepted.report, entry(2).report]
    assert baseline([entry(0), entry(1, SHRUNK), entry(2)]) == [entry(0).report, entry(2).report]


def test_the_data_is_of_the_moment_the_export_was_asked_for() -> None:
    assert replace(entry(), asked_at=NIGHT + timedelta(minutes=15)).data_of == NIGHT + timedelta(minutes=15)
    assert entry().data_of == NIGHT


def test_a_word_is_read_as_it_was_written() -> None:
    assert decode_word(encode_word(WORD, entry().name.key, ("half",))) == WORD
    for bad in (b"{", b"[]", b'{"v": 1}', b'{"v": 9, "by": "a", "why": "b", "at": "2026-11-23T00:00:00+00:00"}'):
        with pytest.raises(InvalidRecord):
            decode_word(bad)
