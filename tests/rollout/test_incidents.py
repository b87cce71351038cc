"""An incident takes a release back once, and only where it can be about that release."""

from dataclasses import replace

import pytest

from shared.rollout.names import Phase
from shared.rollout.traffic import split
from tests.rollout.cases import CANARY, MINUTE, NOW, STRATEGY, in_phase, incident, phase_of, take


@pytest.mark.parametrize("phase", [Phase.PROGRESSING, Phase.BAKING, Phase.PROMOTED])
def test_rule_4_a_young_open_incident_about_this_release_rolls_back_once(phase: Phase) -> None:
    record, now = in_phase(phase)
    fact = incident(now + MINUTE, revision=CANARY)
    done = take(record, fact, now + MINUTE)
    assert phase_of(done.record) is Phase.ROLLED_BACK
    assert done.record.stable == "web-00001-aaa"
    again = take(done.record, fact, now + 2 * MINUTE)
    assert (again.rule, again.effects) == ("duplicate", ())


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("its policy does not", {"policy_rolls_back": False}),
        ("it is about", {"revision": "web-00001-aaa"}),
        ("before this release", {"at": NOW - MINUTE}),
        ("too old", {"at": None}),
    ],
)
def test_rule_4_an_incident_that_may_not_act_is_told_and_moves_nothing(why: str, changes: dict[str, object]) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    later = now + STRATEGY.alert_age_max + 2 * MINUTE
    if changes.get("at", 0) is None:
        changes = {"at": now + MINUTE}
    fact = replace(incident(later), **changes)  # type: ignore[arg-type]
    decision = take(record, fact, later)
    assert decision.rule == "incident_noted"
    assert why in decision.reason
    assert split(decision.record, STRATEGY) == split(record, STRATEGY)


def test_rule_4_no_incident_acts_before_users_were_met_or_after_the_action_window() -> None:
    record, now = in_phase(Phase.PREPARING)
    assert take(record, incident(now + MINUTE), now + MINUTE).rule == "incident_noted"
    record, now = in_phase(Phase.PROMOTED)
    late = now + STRATEGY.action_window + MINUTE
    assert "too long ago" in take(record, incident(late), late).reason


def test_rule_4_a_closed_incident_makes_its_late_open_a_duplicate() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    closed = take(record, incident(now + MINUTE, open=False), now + MINUTE).record
    assert take(closed, incident(now + MINUTE), now + MINUTE).rule == "duplicate"
    assert take(closed, incident(now + MINUTE, open=False), now + MINUTE).rule == "duplicate"


def test_an_incident_that_closes_after_it_acted_is_told() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    acted = take(record, incident(now + MINUTE), now + MINUTE).record
    closed = take(acted, incident(now + 2 * MINUTE, open=False), now + 2 * MINUTE)
    assert closed.rule == "closed"
    assert len(set(closed.record.acted)) == len(closed.record.acted), "each message is remembered once"
