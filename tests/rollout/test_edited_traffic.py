"""A split that a person made by hand is told once and left alone until a person lets us go on."""

from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.commands import Verb
from shared.rollout.names import Phase
from shared.rollout.observations import TrafficEdited, TrafficRestored
from shared.rollout.record import Record
from shared.rollout.service import TrafficTarget
from shared.rollout.traffic import targets
from tests.rollout.cases import (
    CANARY,
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    in_phase,
    incident,
    judged,
    phase_of,
    request,
    take,
)

EDITED = (TrafficTarget(revision="web-00001-aaa", percent=70), TrafficTarget(revision=CANARY, percent=30))


def edit(record: Record, minutes: int = 1) -> Record:
    at = NOW + minutes * MINUTE
    return take(record, TrafficEdited(service="web", at=at, traffic=EDITED), at).record


def test_traffic_edited_by_hand_is_told_once_and_left_alone() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    edited = edit(record)
    assert edited.outbox[-1].severity is Severity.PAGE
    assert take(edited, TrafficEdited(service="web", at=now, traffic=EDITED), now).effects == ()
    assert targets(edited, STRATEGY, EDITED) == EDITED
    assert take(edited, judged(edited, now + MINUTE, Health.UNHEALTHY), now + MINUTE).rule == "traffic_edited"
    assert "person" in take(edited, incident(now + MINUTE), now + MINUTE).reason
    assert take(edited, request("c", now), now).rule == "waits"
    assert take(edited, command(Verb.PROMOTE, now), now).rule == "refused"


def test_traffic_put_back_by_hand_lets_the_rollout_go_on() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    restored = take(edit(record), TrafficRestored(service="web", at=now), now).record
    assert restored.edited == ""
    assert take(restored, TrafficRestored(service="web", at=now), now).effects == ()


def test_a_person_may_resume_or_roll_back_from_a_hand_made_split() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    edited = edit(record)
    resumed = take(edited, command(Verb.RESUME, now), now).record
    assert (resumed.edited, phase_of(resumed)) == ("", Phase.PROGRESSING)
    rolled_back = take(edited, command(Verb.ROLLBACK, now), now).record
    assert (rolled_back.edited, phase_of(rolled_back)) == ("", Phase.ROLLED_BACK)
    at_rest = take(edit(STABLE), command(Verb.ROLLBACK, now), now)
    assert (at_rest.rule, at_rest.record.edited) == ("traffic.restored", "")


def test_an_order_from_before_a_hand_made_split_does_not_undo_it() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    edited, late = edit(record, minutes=9), NOW + 10 * MINUTE
    taken_back = take(edited, command(Verb.ROLLBACK, now), late).record
    assert (phase_of(taken_back), taken_back.edited) == (Phase.ROLLED_BACK, edited.edited)
    assert taken_back.pin
    assert "stays as it is" in taken_back.outbox[-1].text
    assert targets(taken_back, STRATEGY, EDITED) == EDITED
    aborted = take(edited, command(Verb.ABORT, now), late).record
    assert (phase_of(aborted), aborted.edited) == (Phase.ABORTED, edited.edited)
    for before, verb in ((edited, Verb.RESUME), (edit(STABLE, minutes=9), Verb.ROLLBACK)):
        answered = take(before, command(verb, now), late)
        assert (answered.rule, answered.record.edited) == ("refused", before.edited)
        assert "moved by hand after it was sent" in answered.reason
    just = take(edited, command(Verb.ROLLBACK, NOW + 6 * MINUTE), late).record
    assert just.edited == "", "three minutes before it was found is as good as then"
    at_once = take(edited, command(Verb.ROLLBACK, NOW + 8 * MINUTE), late).record
    assert at_once.edited == "", "it may have been sent because of what was seen"
