"""What others tell, what is found, and an older record that comes back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.analysis.verdict import Health
from shared.rollout.change import announce
from shared.rollout.commands import Verb
from shared.rollout.names import HoldCause
from shared.rollout.observations import TrafficEdited, TrafficRestored
from shared.rollout.record import KnownBad, Record
from shared.rollout.service import TrafficTarget
from tests.rollout.cases import (
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    digest,
    incident,
    judged,
    release,
    request,
    take,
)
from tests.rollout.moments import (
    AT_STEP,
    BAD,
    BAKED_AT,
    BAKING,
    BAKING_AT,
    CONTRACTED,
    CONTRACTED_AT,
    HOUR,
    NEW,
    PIN,
    PROGRESSING,
    PROGRESSING_AT,
    PROMOTED,
    PROMOTED_AT,
    QUEUE,
    ROLLED_BACK,
    VERIFYING,
    VERIFYING_AT,
    Scene,
    full,
    holding,
)


def incidents() -> list[Scene]:
    opened = incident(AT_STEP)
    acted = take(STABLE, incident(NOW), NOW).record
    closed = incident(AT_STEP, open=False)
    edited = replace(PROGRESSING, edited="web-00000-old 100 %")
    promoted_late = PROMOTED_AT + STRATEGY.action_window
    age = STRATEGY.alert_age_max
    return [
        Scene("an incident on trial", PROGRESSING, opened, AT_STEP),
        Scene("an incident about the canary", PROGRESSING, incident(AT_STEP, revision="web-00002-bbb"), AT_STEP),
        Scene("an incident about another revision", PROGRESSING, incident(AT_STEP, revision="web-1"), AT_STEP),
        Scene("an incident that may not", PROGRESSING, incident(AT_STEP, policy_rolls_back=False), AT_STEP),
        Scene("an incident when edited", edited, opened, AT_STEP),
        Scene("an incident at rest", STABLE, incident(NOW)),
        Scene("an incident before users", VERIFYING, incident(VERIFYING_AT), VERIFYING_AT),
        Scene("an incident with the first user", PROGRESSING, incident(PROGRESSING_AT), PROGRESSING_AT),
        Scene("an incident before the first user", PROGRESSING, incident(NOW), PROGRESSING_AT),
        Scene("an incident just young enough", PROGRESSING, opened, AT_STEP + age),
        Scene("an incident too old", PROGRESSING, opened, AT_STEP + age + timedelta(seconds=1)),
        Scene("an incident after a promotion", PROMOTED, incident(promoted_late), promoted_late),
        Scene("an incident too late", PROMOTED, incident(promoted_late), promoted_late + timedelta(seconds=1)),
        Scene(
            "an incident after a promotion without a target",
            replace(PROMOTED, target=""),
            incident(PROMOTED_AT),
            PROMOTED_AT,
        ),
        Scene("an incident after a contraction", CONTRACTED, incident(CONTRACTED_AT), CONTRACTED_AT),
        Scene("an incident after a rollback", ROLLED_BACK, incident(AT_STEP), AT_STEP),
        Scene("an incident twice", acted, incident(NOW)),
        Scene("an incident closes", PROGRESSING, closed, AT_STEP),
        Scene("an incident closes after it opened", acted, incident(NOW + MINUTE, open=False), NOW + MINUTE),
        Scene("an incident closes twice", take(PROGRESSING, closed, AT_STEP).record, closed, AT_STEP),
    ]


def appearing() -> list[Scene]:
    image = f"africa-south1-docker.pkg.dev/demo/apps/web@{digest('f')}"

    def reading(record: Record, at: Any = NOW, **changes: Any) -> Any:
        return judged(record, at, appeared=NEW, appeared_image=image, **changes)

    told = announce(STABLE, "rollout.promoted", NOW - HOUR, "earlier")
    bad = KnownBad(digest=digest("f"), revision="web-7", at=NOW - HOUR, reason="It returned 500.")
    impatient = replace(STRATEGY, announce_grace=2 * MINUTE)
    refusing = {
        "was rolled back": replace(told, known_bad=(bad,), pin=PIN),
        "meets a pin": replace(told, pin=PIN, frozen="amina froze web: quiet."),
        "meets the service's freeze": replace(told, frozen="amina froze web: quiet."),
    }
    repeated = replace(told, pin=PIN, acted=(f"newcomer/{NEW}",))
    held = holding(HoldCause.DEADLINE)
    return [
        Scene("a revision appears", told, reading(told), strategy=impatient),
        Scene("a revision appears on a session affinity", STABLE, reading(STABLE, session_affinity=True)),
        Scene("a revision appears on trial", PROGRESSING, reading(PROGRESSING, AT_STEP), AT_STEP),
        Scene("a revision appears on trial and queues", PROGRESSING, reading(PROGRESSING, AT_STEP), AT_STEP, QUEUE),
        Scene("a revision appears while one bakes", BAKING, reading(BAKING, BAKING_AT), BAKING_AT),
        Scene("a revision appears while one is held", held, reading(held, AT_STEP), AT_STEP),
        *(Scene(f"a revision {how}", record, reading(record), strategy=impatient) for how, record in refusing.items()),
        Scene("a revision meets a frozen environment", STABLE, reading(STABLE, frozen="holidays")),
        Scene("a refused revision is seen again", repeated, reading(repeated), strategy=impatient),
        Scene("a revision appears when nothing is heard", full(STABLE), reading(full(STABLE)), strategy=impatient),
        Scene(
            "a revision appears without a digest",
            STABLE,
            judged(STABLE, NOW, appeared=NEW, appeared_image="demo/web:latest"),
        ),
        Scene("a known revision is seen", STABLE, reading(STABLE)._replace(appeared="web-00000-old")),
    ]


def keeping_up() -> list[Scene]:
    told = announce(PROGRESSING, "rollout.started", NOW, "earlier")
    waiting = announce(replace(STABLE, waiting=release("f")), "deploy.waiting", NOW, "earlier")
    rest = announce(STABLE, "rollout.promoted", NOW, "earlier")
    impatient = replace(STRATEGY, announce_grace=2 * MINUTE)
    later = NOW + 3 * MINUTE
    edited = replace(rest, edited="web-00000-old 100 %")
    old = AT_STEP - STRATEGY.verdict_age_max
    traffic = (TrafficTarget(revision="web-00001-aaa", percent=70), TrafficTarget(revision=None, percent=30))
    by_hand = TrafficEdited(service="web", at=NOW, traffic=traffic)
    found = take(STABLE, by_hand, NOW).record
    back = TrafficRestored(service="web", at=NOW)
    return [
        Scene("nothing is on trial", STABLE, judged(STABLE, NOW)),
        Scene("nothing is on trial and something unheard", rest, judged(rest, later), later, impatient),
        Scene("unheard just long enough", rest, judged(rest, NOW + 2 * MINUTE), NOW + 2 * MINUTE, impatient),
        Scene("heard", rest, judged(rest, later, announced=(rest.outbox[0].key,)), later, impatient),
        Scene("what waits may come", waiting, judged(waiting, later), later, impatient),
        Scene("what waits must wait", waiting, judged(waiting, later, gated="its backup runs."), later, impatient),
        Scene("what waits is frozen", waiting, judged(waiting, later, frozen="holidays"), later, impatient),
        Scene("a stale verdict", told, judged(told, AT_STEP, Health.HEALTHY, step=2), AT_STEP, impatient),
        Scene("a verdict just young enough", PROGRESSING, judged(PROGRESSING, AT_STEP), AT_STEP + 5 * MINUTE),
        Scene("a verdict too old", PROGRESSING, judged(PROGRESSING, old, Health.HEALTHY), AT_STEP + MINUTE),
        Scene("a verdict of an older rollout", PROGRESSING, judged(PROGRESSING, AT_STEP, rollout_id="x"), AT_STEP),
        Scene("a reading when edited", edited, judged(edited, later), later, impatient),
        Scene("another target", STABLE, judged(STABLE, NOW, target="web-00000-old", standby="web-00001-aaa")),
        Scene("a reading of an older record", STABLE, judged(STABLE, NOW, sequence=6, target="web-00000-old")),
        Scene(
            "a step when nothing is heard",
            full(PROGRESSING),
            judged(full(PROGRESSING), AT_STEP, Health.HEALTHY),
            AT_STEP,
        ),
        Scene(
            "harm when nothing is heard",
            full(PROGRESSING),
            judged(full(PROGRESSING), AT_STEP, Health.UNHEALTHY),
            AT_STEP,
        ),
        Scene("traffic is edited", STABLE, by_hand),
        Scene("traffic is still edited", found, by_hand),
        Scene("traffic is restored", found, back),
        Scene("traffic is restored twice", STABLE, back),
    ]


def going_back() -> list[Scene]:
    """An older record (the event) came back in the place of the newest."""
    aborted = take(PROGRESSING, command(Verb.ABORT, AT_STEP), AT_STEP).record
    other = take(PROMOTED, request("c", PROMOTED_AT), PROMOTED_AT).record
    beside = replace(other, good=("web-00002-bbb", "web-00001-aaa"))
    blamed = replace(PROMOTED, known_bad=(BAD,), pin=replace(PIN, at=BAD.at))
    blames_stable = replace(
        STABLE,
        known_bad=(BAD, replace(BAD, revision="web-00002-bbb", at=NOW)),
        pin=replace(PIN, at=NOW),
        target="web-00000-old",
    )
    assert ROLLED_BACK.rollout
    blames_digest = replace(ROLLED_BACK, rollout=replace(ROLLED_BACK.rollout, id="web-earlier", canary="web-0"))
    pinned = replace(PROGRESSING, pin=replace(PIN, reason="the newest pin"))
    later, next_ = AT_STEP + MINUTE, PROMOTED_AT + MINUTE
    return [
        Scene("an older copy", PROGRESSING, STABLE, later),
        Scene(
            "with what nobody has heard",
            PROGRESSING,
            announce(STABLE, "rollout.held", NOW, "unheard"),
            later,
        ),
        Scene("it was aborted meanwhile", PROGRESSING, aborted, later),
        Scene("it was aborted and promoted meanwhile", PROMOTED, aborted, next_),
        Scene("it was aborted and has contracted", CONTRACTED, replace(CONTRACTED, rollout=aborted.rollout), BAKED_AT),
        Scene("it was aborted and rolled back", ROLLED_BACK, aborted, later),
        Scene("it was rolled back meanwhile", PROGRESSING, ROLLED_BACK, later),
        Scene("it was rolled back on both", ROLLED_BACK, replace(ROLLED_BACK, sequence=5), later),
        Scene("its digest was rolled back meanwhile", PROGRESSING, blames_digest, later),
        Scene("its ground was rolled back meanwhile", beside, blames_stable, next_),
        Scene(
            "what is stable was rolled back meanwhile",
            replace(PROMOTED, rollout=None),
            blames_stable,
            next_,
        ),
        Scene("another was rolled back meanwhile", other, blamed, next_),
        Scene("another was rolled back and both are pinned", pinned, replace(blamed, rollout=None), later),
        Scene(
            "a pin without anybody to blame",
            PROGRESSING,
            replace(STABLE, pin=replace(PIN, at=NOW), known_bad=(BAD,)),
            later,
        ),
        Scene("somebody to blame without a pin", PROGRESSING, replace(STABLE, known_bad=(BAD,)), later),
    ]
