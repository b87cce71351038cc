"""A revision that a changed variable made goes through a rollout like code."""

from typing import Any

import pytest

from shared.analysis.verdict import Health
from shared.rollout.commands import Verb
from shared.rollout.names import Phase
from shared.rollout.record import Record
from shared.rollout.traffic import split
from tests.rollout.cases import IMAGE, MINUTE, NOW, STABLE, STRATEGY, command, digest, in_phase, judged, request, take

APPEARED: dict[str, Any] = {"appeared": "web-00004-cfg", "appeared_image": f"{IMAGE}@{digest('a')}"}


def appear(record: Record, minutes: int = 1, letter: str = "a", name: str = "web-00003-cfg") -> object:
    return judged(record, NOW + minutes * MINUTE, appeared=name, appeared_image=f"{IMAGE}@{digest(letter)}")


def test_a_changed_variable_goes_through_a_rollout_like_code() -> None:
    decision = take(STABLE, appear(STABLE), NOW + MINUTE)
    assert decision.rule == "revision_appeared"
    assert decision.record.active
    assert decision.record.active.canary == "web-00003-cfg"
    assert split(decision.record, STRATEGY) == {"web-00001-aaa": 100}
    push = request("c", NOW)
    assert take(decision.record, push, NOW + 2 * MINUTE).rule == "start"


def test_a_bad_configuration_is_remembered_by_revision_not_by_the_good_digest() -> None:
    record = take(STABLE, appear(STABLE), NOW + MINUTE).record
    at = NOW + 2 * MINUTE
    record = take(record, judged(record, at, canary="web-00003-cfg"), at).record
    record = take(record, judged(record, at + MINUTE, Health.UNHEALTHY), at + MINUTE).record
    assert record.is_known_bad("", "web-00003-cfg")
    assert not record.is_known_bad(digest("a"))
    assert record.knows("web-00003-cfg")


def test_a_new_revision_supersedes_a_canary_but_not_a_bake() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    fact = judged(record, now + MINUTE, appeared="web-00003-cfg", appeared_image=f"{IMAGE}@{digest('b')}")
    superseding = take(record, fact, now + MINUTE).record
    assert superseding.active
    assert superseding.active.canary == "web-00003-cfg"
    record, now = in_phase(Phase.BAKING)
    fact = judged(record, now + MINUTE, appeared="web-00003-cfg", appeared_image=f"{IMAGE}@{digest('b')}")
    assert take(record, fact, now + MINUTE).effects == ()


def test_a_revision_with_a_known_bad_image_is_refused_for_good() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    pinned = take(record, command(Verb.ROLLBACK, now), now).record
    fact = judged(pinned, now, appeared="web-00004-cfg", appeared_image=f"{IMAGE}@{digest('b')}")
    refused = take(pinned, fact, now)
    assert refused.rule == "revision_refused"
    assert refused.record.refuses("web-00004-cfg")


@pytest.mark.parametrize(
    ("stopping", "starting"),
    [(Verb.FREEZE, Verb.UNFREEZE), (Verb.PAUSE, Verb.RESUME), (Verb.ROLLBACK, Verb.RELEASE_PIN)],
)
def test_a_revision_that_appears_while_nothing_may_start_waits_and_starts_then(stopping: Verb, starting: Verb) -> None:
    record, now = (STABLE, NOW) if stopping is Verb.FREEZE else in_phase(Phase.PROGRESSING)
    stopped = take(record, command(stopping, now, "stop"), now).record
    now += MINUTE

    waits = take(stopped, judged(stopped, now, **APPEARED), now)
    assert (waits.rule, waits.record.rollout) == ("revision_waits", stopped.rollout)
    assert waits.record.outbox[-1].kind == "revision.waiting"
    assert not waits.record.refuses("web-00004-cfg")
    again = take(waits.record, judged(waits.record, now + MINUTE, **APPEARED), now + MINUTE)
    assert (again.rule, again.write) == ("waits" if stopping is Verb.PAUSE else "duplicate", None), "told once"
    allowed = take(waits.record, command(starting, now + 2 * MINUTE, "go"), now + 2 * MINUTE).record
    now += 3 * MINUTE
    started = take(allowed, judged(allowed, now, **APPEARED), now).record
    assert started.active
    assert started.active.canary == "web-00004-cfg"


def test_a_revision_that_appears_while_the_environment_is_frozen_waits() -> None:
    reading = judged(STABLE, NOW, frozen="the night", appeared="web-00003-cfg", appeared_image=f"{IMAGE}@{digest('a')}")
    assert take(STABLE, reading, NOW).rule == "revision_waits"


def test_a_known_revision_or_one_without_a_digest_needs_no_rollout() -> None:
    assert take(STABLE, appear(STABLE, name="web-00001-aaa"), NOW + MINUTE).effects == ()
    fact = judged(STABLE, NOW, appeared="web-00009-tag", appeared_image=f"{IMAGE}:latest")
    assert take(STABLE, fact, NOW).effects == ()
