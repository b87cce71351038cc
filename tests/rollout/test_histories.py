"""Any sequence of events, in any order and repeated, leaves a legal record."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import event as reached
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.codec import decode, encode
from shared.rollout.commands import Verb
from shared.rollout.names import Phase
from shared.rollout.observations import TrafficEdited, TrafficRestored
from shared.rollout.record import Record
from shared.rollout.service import RevisionState, TrafficTarget
from shared.rollout.traffic import split, targets
from tests.rollout.cases import (
    IMAGE,
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    digest,
    incident,
    judged,
    probe,
    request,
    take,
    verdict,
)

EDITED = (TrafficTarget(revision="web-00000-old", percent=100),)

_MOVES = st.one_of(
    st.tuples(st.just("request"), st.sampled_from("abcd"), st.integers(-5, 5)),
    st.tuples(st.just("judged"), st.none() | st.sampled_from(Health), st.integers(-3, 0)),
    st.tuples(st.just("blamed elsewhere"), st.none(), st.just(0)),
    st.tuples(st.just("canary"), st.sampled_from(RevisionState), st.integers(-3, 0)),
    st.tuples(st.just("probe failed"), st.none(), st.just(0)),
    st.tuples(st.just("no way back"), st.sampled_from(Health), st.just(0)),
    st.tuples(st.just("appeared"), st.sampled_from("abcd"), st.just(0)),
    st.tuples(st.just("incident"), st.sampled_from(["0.a", "0.b"]), st.integers(-5, 0)),
    st.tuples(st.just("closed"), st.sampled_from(["0.a", "0.b"]), st.just(0)),
    st.tuples(st.just("command"), st.sampled_from(Verb), st.integers(-5, 0)),
    st.tuples(st.just("edited"), st.none(), st.just(0)),
    st.tuples(st.just("restored"), st.none(), st.just(0)),
)


def event(record: Record, kind: str, what: Any, now: datetime, at: datetime, number: int) -> Any:
    made = {
        "request": lambda: request(what, at),
        "judged": lambda: judged(record, at, what),
        "blamed elsewhere": lambda: judged(record, at, verdict=verdict(Health.INCONCLUSIVE, shared_outage=True)),
        "canary": lambda: judged(record, at, canary_state=what, probes=()),
        "probe failed": lambda: judged(record, at, probes=(probe(ProbeOutcome.FAILED),)),
        "no way back": lambda: judged(record, at, what, target=""),
        "appeared": lambda: judged(
            record, at, appeared=f"web-0001{number % 10}-cfg", appeared_image=f"{IMAGE}@{digest(what)}"
        ),
        "incident": lambda: incident(at, what),
        "closed": lambda: incident(at, what, open=False),
        "command": lambda: command(what, at, f"r{number % 7}"),
        "edited": lambda: TrafficEdited(service="web", at=at, traffic=EDITED),
        "restored": lambda: TrafficRestored(service="web", at=at),
    }
    return made[kind]()  # type: ignore[no-untyped-call]


def check(before: Record, after: Record) -> None:
    shares = split(after, STRATEGY)
    assert sum(shares.values()) == 100
    assert all(share > 0 for share in shares.values())
    rows = targets(after, STRATEGY, EDITED if after.edited else ())
    assert sum(row.percent for row in rows) == 100
    assert decode(encode(after)) == after
    assert after.sequence in (before.sequence, before.sequence + 1)
    assert len({item.key for item in after.outbox}) == len(after.outbox)
    rollout = after.active
    if rollout and rollout.phase is Phase.HELD:
        assert rollout.hold
    if rollout and rollout.effective_phase in (Phase.PREPARING, Phase.VERIFYING):
        assert shares == {after.stable or None: 100}
    if rollout and rollout.release.digest in {bad.digest for bad in after.known_bad}:
        assert rollout.release.digest == (after.stable_release.digest if after.stable_release else "")
    assert not after.is_known_bad("", after.stable)


@settings(max_examples=300, deadline=timedelta(seconds=2))
@given(moves=st.lists(_MOVES, max_size=40), known=st.booleans())
def test_any_history_leaves_a_legal_record_and_a_repeat_changes_nothing(
    moves: list[tuple[str, Any, int]], known: bool
) -> None:
    record = STABLE if known else Record(service="web", stable="web-00001-hello", placeholder=True)
    now = NOW
    for number, (kind, what, minutes) in enumerate(moves):
        now += 7 * MINUTE
        happened = event(record, kind, what, now, now + minutes * MINUTE, number)
        decision = take(record, happened, now)
        check(record, decision.record)
        if decision.record.rollout:
            reached(decision.record.rollout.phase)
        assert (decision.record == record) == (decision.write is None)
        if kind != "restored":
            again = take(decision.record, happened, now)
            assert split(again.record, STRATEGY) == split(decision.record, STRATEGY), (happened, again.reason)
        record = replace(decision.record, outbox=decision.record.outbox[-8:])
