"""Whatever anybody writes, the record stays below its limit, and a rollback never fails for want of room."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.bounds import clipped, fitted
from shared.rollout.change import announce, hold
from shared.rollout.codec import SIZE_MAX, decode, encode, size
from shared.rollout.commands import Verb
from shared.rollout.decision import Decision
from shared.rollout.facts import Gate
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import ACTED_MAX, ANSWERS_MAX, KNOWN_BAD_MAX, OUTBOX_MAX, RETIRED_MAX, KnownBad, Pin, Record
from shared.rollout.service import RevisionState
from shared.rollout.traffic import split
from tests.rollout.cases import (
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    digest,
    in_phase,
    incident,
    judged,
    probe,
    request,
    take,
    verdict,
)

LONG = "è" * 7000
LATER = '{"later":"' + "x" * 4000 + '"}'
NASTY = ('"' * 9000, "\x00" * 9000, "\ud800" * 9000, "🜂" * 9000, "a\n" * 9000)
WORDS = st.sampled_from([*NASTY, LONG, "x", ""]) | st.text(max_size=2000)


@given(text=WORDS, limit=st.integers(3, 900))
def test_a_clipped_text_takes_no_more_than_its_limit(text: str, limit: int) -> None:
    kept = clipped(text, limit)
    assert len(json.dumps(kept, ensure_ascii=False).encode()) - 2 <= limit
    assert kept == text or kept.endswith("…") or "\ud800" in text or any("\ud800" <= c <= "\udfff" for c in text)


def test_a_short_text_stays_as_it_is() -> None:
    assert clipped("it lags.", 400) == "it lags."
    assert clipped("it lags and lags", 10) == "it lags…"
    assert clipped("it lags on", 10) == "it lags on"
    assert clipped("\x00" * 9, 3 + 6 * 8) == "\x00" * 8 + "…", "as much as fits, whatever a character takes"


def rolled_back(record: Record, decision: Decision) -> None:
    assert decision.record.rollout
    assert decision.record.rollout.phase is Phase.ROLLED_BACK
    assert decision.takes_back
    assert split(decision.record, STRATEGY) == {"web-00001-aaa": 100}
    assert decode(encode(decision.record)) == decision.record


@pytest.mark.parametrize("words", [LONG, *NASTY])
def test_a_rollback_is_carried_out_however_long_its_reason_is(words: str) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    order = replace(command(Verb.ROLLBACK, now), why=words, by=words, request_id=words)
    done = take(record, order, now)
    rolled_back(record, done)
    assert take(done.record, order, now).rule == "duplicate"


@pytest.mark.parametrize("words", [LONG, *NASTY])
def test_an_alert_rolls_back_however_long_its_summary_is(words: str) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    fact = incident(now + MINUTE, words, summary=words, url=words, policy=words)
    rolled_back(record, take(record, fact, now + MINUTE))


@pytest.mark.parametrize("words", [LONG, *NASTY])
def test_a_verdict_rolls_back_however_long_its_reason_is(words: str) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    fact = judged(record, now + MINUTE, verdict=verdict(Health.UNHEALTHY)._replace(reason=words), frozen=words)
    rolled_back(record, take(record, fact, now + MINUTE))


def crammed() -> tuple[Record, Record]:
    """A rollout at its first share in a record that is full within every limit of its own."""
    record, now = in_phase(Phase.PROGRESSING)
    item = replace(record.outbox[-1], text="t" * 300, details={"digest": digest("b"), "revision": "r" * 63})
    return record, replace(
        record,
        outbox=tuple(replace(item, key=f"web/{n:06d}-20261123T120000Z-rollout.advanced") for n in range(OUTBOX_MAX)),
        known_bad=tuple(
            KnownBad(digest=f"sha256:{n:064d}", revision=f"web-{n:05d}-bad", at=now, reason="bad " * 30)
            for n in range(KNOWN_BAD_MAX)
        ),
        acted=tuple(f"deploy/sha256:{n:064d}/2026-11-23T12:00:00+00:00" for n in range(ACTED_MAX)),
        retired=tuple(f"web-{n:05d}-old" for n in range(RETIRED_MAX)),
    )


def test_a_rollback_is_carried_out_on_a_record_that_is_full() -> None:
    record, full = crammed()
    assert size(full) > SIZE_MAX
    now = NOW + 2 * MINUTE
    done = take(full, command(Verb.ROLLBACK, now), now)
    rolled_back(record, done)
    assert {bad.digest for bad in done.record.known_bad} >= {bad.digest for bad in full.known_bad[1:]}, "still refused"
    assert done.record.known_bad[0].reason == ""
    assert [item.key for item in done.record.outbox[:-1]] == [item.key for item in full.outbox], "nobody is untold"


def test_what_is_trimmed_first_is_what_is_needed_least() -> None:
    _, full = crammed()
    held = hold(full, HoldCause.PAUSED, NOW, "h" * 400)
    huge = replace(held, frozen="f" * 400, extra=LATER)
    kept = fitted(announce(huge, "rollout.held", NOW, "newest"))
    assert size(kept) <= SIZE_MAX
    assert decode(encode(kept)) == kept
    assert kept.extra == LATER
    assert kept.outbox[-1].text == "newest"
    assert len(kept.known_bad) == 10
    assert kept.active
    assert kept.active.hold
    assert kept.active.hold.reason.endswith("…")


def test_what_a_newer_version_wrote_goes_only_when_nothing_else_is_left() -> None:
    kept = fitted(replace(STABLE, extra=json.dumps({"later": "x" * SIZE_MAX})))
    assert (kept.extra, kept.outbox, kept.stable) == ("{}", (), STABLE.stable)
    assert fitted(STABLE) == STABLE


def full_to(limit: int, **changes: Any) -> Record:
    """A record of so many bytes, filled up by what a newer version wrote."""
    record = Record(service="web", extra='{"later":""}', **changes)
    return replace(record, extra=json.dumps({"later": "x" * (limit - size(record))}))


def test_a_record_of_exactly_its_most_bytes_loses_nothing() -> None:
    news = announce(Record(service="web"), "rollout.held", NOW, "n" * 100).outbox[0]
    for full in (full_to(SIZE_MAX, outbox=(news,)), full_to(SIZE_MAX)):
        assert size(full) == SIZE_MAX
        assert fitted(full) == full


def test_the_oldest_news_goes_one_by_one_until_the_rest_fits() -> None:
    news = announce(Record(service="web"), "rollout.held", NOW, "n" * 100).outbox[0]
    outbox = tuple(replace(news, key=f"web/{n}") for n in range(6))
    one = size(Record(service="web", outbox=outbox)) - size(Record(service="web", outbox=outbox[1:]))
    for gone in range(5):
        kept = fitted(full_to(SIZE_MAX + gone * one, outbox=outbox))
        assert kept.outbox == outbox[gone:]
        assert size(kept) == SIZE_MAX
        assert kept.extra != "{}"


_MOVES = st.one_of(
    st.tuples(st.just("request"), st.sampled_from("abcd"), WORDS),
    st.tuples(st.just("judged"), st.sampled_from(Health), WORDS),
    st.tuples(st.just("canary"), st.sampled_from(RevisionState), WORDS),
    st.tuples(st.just("probe failed"), st.none(), WORDS),
    st.tuples(st.just("incident"), st.booleans(), WORDS),
    st.tuples(st.just("command"), st.sampled_from(Verb), WORDS),
)


def event(record: Record, kind: str, what: Any, words: str, now: datetime, number: int) -> Any:
    match kind:
        case "request":
            return replace(request(what, now), by=words, frozen=words, gate=Gate(waits=words))
        case "judged":
            return judged(record, now, verdict=verdict(what)._replace(reason=words), frozen=words)
        case "canary":
            return judged(record, now, canary_state=what, canary_message=words, probes=())
        case "probe failed":
            return judged(record, now, probes=(probe(ProbeOutcome.FAILED)._replace(reason=words, path=words),))
        case "incident":
            return incident(now, f"{number}{words}", open=what, policy=words, summary=words, url=words)
        case _:
            return replace(command(what, now, f"{number}{words}"), by=words, why=words)


@pytest.mark.no_cover
@settings(max_examples=150, deadline=timedelta(seconds=5))
@example(moves=[("command", Verb.PAUSE if n % 2 else Verb.RESUME, LONG) for n in range(60)], service="web")
@example(moves=[("incident", True, LONG)] * 60, service="w" * 49)
@given(moves=st.lists(_MOVES, max_size=60), service=st.sampled_from(["web", "w" * 49]))
def test_after_any_history_a_rollback_with_hostile_words_is_carried_out_and_fits(
    moves: list[tuple[str, Any, str]], service: str
) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    record = replace(record, service=service)
    for number, (kind, what, words) in enumerate(moves):
        now += MINUTE
        happened = event(record, kind, what, words, now, number)
        record = take(record, happened, now).record
        assert decode(encode(record)) == record
        assert len(record.outbox) <= OUTBOX_MAX + ANSWERS_MAX + 3, "what pages and what takes back may come on top"
    before = record
    order = replace(command(Verb.ROLLBACK, now, f"last{LONG}"), by=LONG, why=LONG)
    done = take(record, order, now).record
    assert decode(encode(done)) == done
    if before.active and before.target and not before.active.irreversible:
        assert done.rollout
        assert done.rollout.phase is Phase.ROLLED_BACK


def _keys(number: int) -> tuple[str, ...]:
    return tuple(f"k{n}" for n in range(number))


def _bad(number: int, reason: str = "It returned 500.") -> tuple[KnownBad, ...]:
    return tuple(KnownBad(digest=f"d{n}", revision=f"r{n}", at=NOW, reason=reason) for n in range(number))


@pytest.mark.parametrize(
    ("extra", "acted", "retired", "known_bad", "reasons"),
    [
        (14_190, 40, 20, 20, 19),  # nothing is too large: everything stays
        (14_480, 40, 20, 20, 1),  # the reasons of old go first
        (14_630, 20, 10, 20, 1),  # then what was long ago acted on and retired
        (15_420, 8, 5, 10, 1),  # then all but the newest
    ],
)
def test_the_least_needed_goes_first(extra: int, acted: int, retired: int, known_bad: int, reasons: int) -> None:
    record = Record(service="web", acted=_keys(39), retired=_keys(19), known_bad=_bad(19))
    kept = fitted(replace(record, extra=json.dumps({"later": "x" * extra})))
    assert size(kept) <= SIZE_MAX
    assert kept.acted == record.acted[-acted:]
    assert kept.retired == record.retired[-retired:]
    assert [bad.digest for bad in kept.known_bad] == [bad.digest for bad in record.known_bad[-known_bad:]]
    assert [bad.reason for bad in kept.known_bad if bad.reason] == ["It returned 500."] * reasons
    assert kept.known_bad[-1].reason


def test_the_newest_retired_stay_however_few_they_are() -> None:
    record = Record(service="web", retired=_keys(7))
    kept = fitted(replace(record, extra=json.dumps({"later": "x" * (SIZE_MAX - 60)})))
    assert kept.retired == record.retired[-5:]


def test_every_sentence_is_shortened_and_none_is_lost() -> None:
    sentence = "s" * 900
    short = clipped(sentence, 160)
    held = hold(in_phase(Phase.PROGRESSING)[0], HoldCause.PAUSED, NOW, sentence)
    told = announce(held, "rollout.held", NOW, sentence, by="b" * 400)
    wordy = replace(
        told, pin=Pin(at=NOW, reason=sentence), frozen=sentence, edited=sentence, known_bad=_bad(9, sentence)
    )
    kept = fitted(replace(wordy, extra=json.dumps({"later": "x" * 11_000})))
    assert kept.rollout
    assert kept.rollout.hold
    assert kept.pin
    assert kept.rollout.hold.reason == kept.pin.reason == kept.frozen == kept.edited == short
    assert kept.known_bad[-1].reason == short
    assert kept.outbox[-1].text == short
    assert kept.outbox[-1].details == {"by": clipped("b" * 400, 80)}
    assert kept.pin.at == NOW
    assert len(kept.outbox) == len(told.outbox)


def test_without_a_pin_a_record_that_is_shortened_has_none() -> None:
    assert fitted(Record(service="web", frozen="f" * 9000, extra=json.dumps({"later": "x" * 9000}))).pin is None


def test_what_a_newer_version_wrote_goes_from_the_rollout_too_and_nothing_else_does() -> None:
    record, _ = in_phase(Phase.PROGRESSING)
    assert record.rollout
    huge = json.dumps({"later": "x" * SIZE_MAX})
    kept = fitted(replace(record, rollout=replace(record.rollout, extra=huge)))
    assert kept.rollout == record.rollout
    assert kept.rollout
    assert (kept.rollout.extra, kept.extra) == ("{}", "{}")
    assert fitted(Record(service="web", extra=huge)).rollout is None


def test_a_record_of_exactly_the_limit_keeps_everything() -> None:
    room = SIZE_MAX - size(replace(STABLE, frozen="x"))
    record = replace(STABLE, frozen="x" * (room + 1))
    assert size(record) == SIZE_MAX
    assert fitted(record) == record
