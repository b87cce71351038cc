"""A release at the gate: it waits, is let in once it may start, or is refused once and for all."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.decision import Decision, RequestDeploy
from shared.rollout.facts import Gate
from shared.rollout.names import Phase
from tests.rollout.cases import MINUTE, NOW, STABLE, STRATEGY, in_phase, judged, release, request, take

WHY = "its files are not in the assets bucket."


def asked(decision: Decision) -> list[RequestDeploy]:
    return [effect for effect in decision.effects if isinstance(effect, RequestDeploy)]


@pytest.mark.parametrize(("pages", "severity"), [(False, Severity.WARNING), (True, Severity.PAGE)])
def test_what_the_gate_refuses_is_told_once_and_never_starts(pages: bool, severity: Severity) -> None:
    shut = replace(request(), gate=Gate(refuses=WHY, pages=pages))
    refused = take(STABLE, shut, NOW)
    assert (refused.rule, refused.reason) == ("gate", f"bbbbbbb is refused: {WHY}")
    (told,) = refused.record.outbox
    assert (told.kind, told.severity) == ("deploy.refused", severity)
    assert take(refused.record, shut, NOW + MINUTE).rule == "duplicate"
    assert take(refused.record, request(), NOW + MINUTE).rule == "duplicate", "what it became since does not matter"
    anew = take(refused.record, request(at=NOW + MINUTE), NOW + MINUTE)
    assert anew.rule == "start", "a new tag asks anew"


def test_a_release_that_waited_and_is_refused_waits_no_longer() -> None:
    waits = take(STABLE, replace(request(), gate=Gate(waits=WHY)), NOW)
    assert waits.reason == f"bbbbbbb waits: {WHY}"
    open_again = take(waits.record, judged(waits.record, NOW + MINUTE), NOW + MINUTE)
    assert open_again.rule == "released"
    refused = take(open_again.record, replace(request(), gate=Gate(refuses=WHY)), NOW + MINUTE)
    assert refused.record.waiting is None
    assert take(refused.record, judged(refused.record, NOW + 2 * MINUTE), NOW + 2 * MINUTE).rule == "at_rest"


def test_refusing_one_release_leaves_another_waiting() -> None:
    waits = take(STABLE, replace(request("b"), gate=Gate(waits=WHY)), NOW)
    newer = replace(request("c", NOW + MINUTE), gate=Gate(refuses=WHY))
    assert take(waits.record, newer, NOW + MINUTE).record.waiting == release("b")


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.VERIFYING, Phase.PROGRESSING])
def test_a_canary_goes_on_beside_a_release_that_waits_and_is_superseded_once_that_may_start(phase: Phase) -> None:
    record, now = in_phase(phase)
    record = take(record, replace(request("c", now), gate=Gate(waits=WHY)), now).record
    assert record.waiting
    still = take(record, judged(record, now + MINUTE, gated=WHY), now + MINUTE)
    assert asked(still) == []
    let_in = take(record, judged(record, now + MINUTE), now + MINUTE)
    (again,) = asked(let_in)
    started = take(let_in.record, again.request, now + MINUTE).record
    assert started.rollout
    assert (started.rollout.release, started.waiting) == (record.waiting, None)


def test_beside_a_canary_that_bakes_it_waits_for_the_end() -> None:
    record, now = in_phase(Phase.BAKING)
    record = take(record, replace(request("c", now), gate=Gate(waits=WHY)), now).record
    assert asked(take(record, judged(record, now + MINUTE, Health.HEALTHY), now + MINUTE)) == []
    over = now + STRATEGY.final_bake_time + timedelta(seconds=1)
    record = take(record, judged(record, over, Health.HEALTHY), over).record
    assert take(record, judged(record, over + MINUTE), over + MINUTE).rule == "released"
