"""The record as text: exact, bounded, and readable by its neighbours in time."""

import json
from dataclasses import replace
from datetime import UTC

import pytest

from shared.errors import InvalidRecord
from shared.rollout.announcement import Announcement
from shared.rollout.codec import SIZE_MAX, decode, encode
from shared.rollout.commands import Verb
from shared.rollout.names import Phase
from shared.rollout.record import Record
from tests.rollout.cases import NOW, STABLE, command, in_phase, request, take


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.VERIFYING, Phase.PROGRESSING, Phase.BAKING, Phase.PROMOTED])
def test_a_record_survives_the_way_there_and_back(phase: Phase) -> None:
    record, _ = in_phase(phase)
    assert decode(encode(record)) == record


def test_holds_pins_bad_releases_and_waiting_ones_survive() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    held = take(record, command(Verb.PAUSE, now), now).record
    assert decode(encode(held)) == held
    pinned = take(record, command(Verb.ROLLBACK, now), now).record
    waiting = take(pinned, request("c", now), now).record
    assert decode(encode(waiting)) == waiting


def test_what_stands_at_its_default_is_not_written() -> None:
    news = Announcement(key="web/1", kind="x", service="web", at=NOW, text="told")
    told = {"key": "web/1", "kind": "x", "service": "web", "at": NOW.isoformat(), "text": "told"}
    assert json.loads(encode(Record(service="web", outbox=(news,)))) == {
        "schema": 1,
        "service": "web",
        "outbox": [told],
    }


def test_fields_of_a_newer_version_are_carried_along() -> None:
    body = {**json.loads(encode(STABLE)), "mood": "calm"}
    assert json.loads(encode(replace(decode(json.dumps(body)), sequence=8)))["mood"] == "calm"


def test_a_record_past_16_kib_is_refused() -> None:
    news = Announcement(key="web/1", kind="x", service="web", at=NOW, text="é" * SIZE_MAX)
    with pytest.raises(InvalidRecord, match="grew past"):
        encode(Record(service="web", outbox=(news,)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "must be an object"),
        ('{"schema": 0}', "schema: this version reads 1, not 0"),
        ('{"schema": "2"}', "schema"),
        ('{"schema": null}', "schema"),
        ('{"schema": 1}', "service"),
        ('{"schema": 1, "service": 7}', "record.service"),
        ('{"schema": 1, "service": "web", "rollout": []}', "record.rollout"),
        ('{"schema": 1, "service": "web", "good": "x"}', "record.good"),
        ('{"schema": 1, "service": "web", "pin": {"at": "noon", "reason": "x"}}', "record.pin.at"),
        ('{"schema": 1, "service": "web", "outbox": [{"details": 3}]}', "record.outbox[0].details"),
        (
            '{"schema": 1, "service": "web", "outbox": [{"details": {"percent": 3}}]}',
            "record.outbox[0].details.percent",
        ),
        ('{"schema": 1, "service": "web", "sequence": 1' + "0" * 5000 + "}", "record.sequence"),
        ('{"schema": 1, "service": "web", "later": 1' + "0" * 5000 + "}", "record.later"),
        ('{"schema": 1, "service": "web", "later": NaN}', "record.later"),
        ('{"schema": 1, "service": "web", "good": ' + "[" * 99999 + "]" * 99999 + "}", "record: not JSON"),
        ('{"schema": 1, "service": "web", "decided_at": "2026-11-23T12:00:00"}', "record.decided_at"),
        ('{"schema": 1, "service": "web", "decided_at": "0001-01-01T00:00:00+14:00"}', "record.decided_at"),
        ('{"schema": 1, "service": "web", "decided_at": 7}', "record.decided_at"),
        ('{"schema": 1, "service": "\\ud800"}', "record.service: holds half of a character"),
        ('{"schema": 1, "service": "web", "good": ["\\ud800"]}', "record.good[0]: holds half"),
        ('{"schema": 1, "service": "web", "later": "\\ud800"}', "record.later"),
        ('{"schema": 1, "service": "web", "\\ud800": 1}', "record.?"),
        ('{"schema": 1, "service": "web", "outbox": [{"details": {"\\ud800": "1"}}]}', "record.outbox[0].details"),
    ],
)
def test_a_broken_record_is_refused_with_the_field_named(text: str, problem: str) -> None:
    with pytest.raises(InvalidRecord) as error:
        decode(text)
    assert problem in str(error.value)


def test_a_null_stands_for_nothing() -> None:
    assert decode('{"schema": 1, "service": "web", "pin": null}').pin is None


def test_what_an_older_version_remembered_as_acted_still_counts() -> None:
    key = f"deploy/sha256:{'b' * 64}/2026-11-23T12:00:00+00:00"
    assert Record(service="web", acted=(key,)).has_acted(key)
    kept = Record(service="web").remember_acted(key)
    assert kept.has_acted(key)
    assert not kept.has_acted(f"{key}+")
    assert len(kept.acted[0]) < 32
    assert Record(service="web").remember_acted("command/r1").acted == ("command/r1",)


def test_what_people_read_is_written_as_they_write_it() -> None:
    text = '{"schema":1,"service":"web","later":"é","mood":["a","b"]}'
    assert encode(decode(text)) == '{"schema":1,"later":"é","mood":["a","b"],"service":"web"}'


def test_a_record_of_16_kib_is_written() -> None:
    bare = len(encode(Record(service="web", frozen="x"))) - 1
    assert len(encode(Record(service="web", frozen="x" * (SIZE_MAX - bare)))) == SIZE_MAX
    with pytest.raises(InvalidRecord, match="the record of web grew past 16384 bytes"):
        encode(Record(service="web", frozen="x" * (SIZE_MAX - bare + 1)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "must be an object"),
        ("{}", "schema: this version reads 1, not None"),
        ('{"schema": 1, "service": 7}', "record.service: must be str, not int"),
        (
            '{"schema": 1, "service": "web", "decided_at": "2026-11-23T12:00:00"}',
            "record.decided_at: must be a time with its zone, not '2026-11-23T12:00:00'",
        ),
    ],
)
def test_the_refusal_says_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(InvalidRecord) as error:
        decode(text)
    assert str(error.value) == sentence


def test_a_time_is_read_in_utc_whatever_its_zone() -> None:
    decided = decode('{"schema": 1, "service": "web", "decided_at": "2026-11-23T14:00:00+02:00"}').decided_at
    assert decided is not None
    assert decided.isoformat() == "2026-11-23T12:00:00+00:00"
    assert decided.tzinfo is UTC, "whatever the zone of the machine"


def test_eighteen_digits_are_a_number_and_nineteen_are_none() -> None:
    assert decode('{"schema": 1, "service": "web", "sequence": ' + "9" * 18 + "}").sequence == int("9" * 18)
    with pytest.raises(InvalidRecord, match=r"record\.sequence: must be int, not float"):
        decode('{"schema": 1, "service": "web", "sequence": ' + "9" * 19 + "}")


def test_what_is_written_beside_extra_is_extra_too() -> None:
    assert json.loads(decode('{"schema": 1, "service": "web", "extra": "7"}').extra) == {"extra": "7"}
    assert decode('{"schema": 1, "service": "web"}').extra == "{}"


def test_a_long_key_is_kept_as_its_kind_and_sixteen_characters_of_hash() -> None:
    def kept(key: str) -> str:
        return Record(service="web").remember_acted(key).acted[0]

    assert kept("command/" + "r" * 24) == "command/" + "r" * 24
    assert kept("command/" + "r" * 25) == "command/8d0a3758b6b3112b"
    assert kept("announcement/a/" + "r" * 25) == "announce/a0a14420bdacac83"
