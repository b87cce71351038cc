"""A canary that starts, climbs and stands still."""

from dataclasses import replace
from typing import Any

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import Record
from shared.rollout.service import RevisionState
from tests.rollout.cases import (
    MINUTE,
    NOW,
    STRATEGY,
    judged,
    probe,
    release,
)
from tests.rollout.moments import (
    AT_STEP,
    BAKED_AT,
    BAKING,
    BAKING_AT,
    CONTRACTING,
    CONTRACTING_AT,
    FIRST,
    FIRST_BAKING,
    HOUR,
    LAST_STEP,
    LAST_STEP_AT,
    PREPARING,
    PROGRESSING,
    PROGRESSING_AT,
    VERIFYING,
    VERIFYING_AT,
    Scene,
    changed,
    holding,
)


def starting() -> list[Scene]:
    failed, pending = RevisionState.FAILED, RevisionState.PENDING
    late = NOW + STRATEGY.prepare_deadline
    nearly = late - MINUTE
    red = probe(ProbeOutcome.FAILED)._replace(reason="status 503", status=503)
    past = VERIFYING_AT + STRATEGY.verify_deadline
    heavy = ("/ takes 9 s to the first line", "/chat takes 8 s")
    return [
        Scene("a canary is ready and answers", PREPARING, judged(PREPARING, NOW, pages="/ costs 120 kB")),
        Scene("a canary is not ready yet", PREPARING, judged(PREPARING, NOW, canary_state=pending)),
        Scene("a canary was never ready", PREPARING, judged(PREPARING, late, canary_state=pending), late),
        Scene("a canary is nearly late", PREPARING, judged(PREPARING, nearly, canary_state=pending), nearly),
        Scene(
            "a canary failed to start",
            PREPARING,
            judged(PREPARING, NOW, canary_state=failed, canary_message="exit code 1"),
        ),
        Scene("a canary failed to start without a word", PREPARING, judged(PREPARING, NOW, canary_state=failed)),
        Scene("a probe fails", VERIFYING, judged(VERIFYING, VERIFYING_AT, probes=(red,)), VERIFYING_AT),
        Scene("a probe fails for too long", VERIFYING, judged(VERIFYING, past, probes=(red,)), past),
        Scene("a canary was never reached", VERIFYING, judged(VERIFYING, past, probes=()), past),
        Scene("a page is too heavy", VERIFYING, judged(VERIFYING, past, heavy=heavy[:1]), past),
        Scene("two pages are too heavy", VERIFYING, judged(VERIFYING, past, heavy=heavy), past),
        Scene("users meet a canary", VERIFYING, judged(VERIFYING, VERIFYING_AT), VERIFYING_AT),
        Scene("a busy service begins lower", VERIFYING, judged(VERIFYING, VERIFYING_AT, requests_per_minute=200.0)),
        Scene("the environment is frozen", VERIFYING, judged(VERIFYING, VERIFYING_AT, frozen="holidays"), VERIFYING_AT),
        Scene(
            "the service is frozen",
            replace(VERIFYING, frozen="amina froze web: quiet."),
            judged(VERIFYING, VERIFYING_AT, frozen="holidays"),
            VERIFYING_AT,
        ),
        Scene("no way back", VERIFYING, judged(VERIFYING, VERIFYING_AT, target=""), VERIFYING_AT),
        Scene("a first deployment answers", FIRST, judged(FIRST, NOW + MINUTE, pages="/ costs 9 kB"), NOW + MINUTE),
        Scene("Cloud Run has named nothing yet", PREPARING, judged(PREPARING, NOW, canary="")),
    ]


def climbing() -> list[Scene]:
    def reading(record: Record, at: Any, health: Health | None = Health.HEALTHY, **changes: Any) -> Any:
        return judged(record, at, health, **changes)

    asked = PROGRESSING_AT + STRATEGY.step_deadline
    bake_asked = BAKING_AT + STRATEGY.step_deadline + STRATEGY.final_bake_time
    unsure, gone = Health.INCONCLUSIVE, RevisionState.MISSING
    outage = reading(PROGRESSING, AT_STEP, Health.INCONCLUSIVE)
    assert outage.verdict
    return [
        Scene("a step is passed", PROGRESSING, reading(PROGRESSING, AT_STEP), AT_STEP),
        Scene(
            "the last step is passed",
            LAST_STEP,
            reading(LAST_STEP, LAST_STEP_AT + STRATEGY.step_bake_time),
            LAST_STEP_AT + STRATEGY.step_bake_time,
        ),
        Scene("a bake is over", BAKING, reading(BAKING, BAKED_AT), BAKED_AT),
        Scene(
            "a bake is over and something older is good too",
            BAKING,
            reading(BAKING, BAKED_AT, target="web-00000-old"),
            BAKED_AT,
        ),
        Scene(
            "a step of a rollout without shares of its own",
            changed(PROGRESSING, steps=()),
            reading(changed(PROGRESSING, steps=()), AT_STEP),
            AT_STEP,
        ),
        Scene("a bake is not over", BAKING, reading(BAKING, BAKED_AT - MINUTE), BAKED_AT - MINUTE),
        Scene(
            "a bake with a contraction is over",
            replace(CONTRACTING, standby="web-00000-old"),
            reading(CONTRACTING, CONTRACTING_AT + HOUR, standby="web-00000-old"),
            CONTRACTING_AT + HOUR,
        ),
        Scene("a first deployment has baked", FIRST_BAKING, reading(FIRST_BAKING, NOW + 2 * HOUR), NOW + 2 * HOUR),
        Scene("it is too early to judge", PROGRESSING, reading(PROGRESSING, AT_STEP - MINUTE), AT_STEP - MINUTE),
        Scene("nothing was judged", PROGRESSING, reading(PROGRESSING, AT_STEP, None), AT_STEP),
        Scene("nobody could tell", PROGRESSING, reading(PROGRESSING, asked, unsure), asked),
        Scene("nobody looked", PROGRESSING, reading(PROGRESSING, asked, None), asked),
        Scene("nobody can tell yet", PROGRESSING, reading(PROGRESSING, asked - MINUTE, unsure), asked - MINUTE),
        Scene("nobody could tell of a bake", BAKING, reading(BAKING, bake_asked, unsure), bake_asked),
        Scene("a canary is unhealthy", PROGRESSING, reading(PROGRESSING, AT_STEP, Health.UNHEALTHY), AT_STEP),
        Scene("a canary is gone", PROGRESSING, reading(PROGRESSING, AT_STEP, canary_state=gone), AT_STEP),
        Scene(
            "a canary failed",
            PROGRESSING,
            reading(PROGRESSING, AT_STEP, canary_state=RevisionState.FAILED, canary_message="out of memory"),
            AT_STEP,
        ),
        Scene("a baking canary is unhealthy", BAKING, reading(BAKING, BAKED_AT, Health.UNHEALTHY), BAKED_AT),
        Scene(
            "a contracting canary is unhealthy",
            CONTRACTING,
            reading(CONTRACTING, CONTRACTING_AT + HOUR, Health.UNHEALTHY),
            CONTRACTING_AT + HOUR,
        ),
        Scene(
            "a canary is unhealthy and no target answers",
            PROGRESSING,
            reading(PROGRESSING, AT_STEP, Health.UNHEALTHY, target=""),
            AT_STEP,
        ),
        Scene(
            "a first deployment is unhealthy",
            FIRST_BAKING,
            reading(FIRST_BAKING, NOW + HOUR, Health.UNHEALTHY),
            NOW + HOUR,
        ),
        Scene("no target answers", PROGRESSING, reading(PROGRESSING, AT_STEP, target=""), AT_STEP),
        Scene("nobody sees", PROGRESSING, reading(PROGRESSING, AT_STEP, Health.ERROR), AT_STEP),
        Scene(
            "everybody suffers",
            PROGRESSING,
            outage._replace(verdict=outage.verdict._replace(shared_outage=True)),
            AT_STEP,
        ),
        Scene("a step meets a freeze", PROGRESSING, reading(PROGRESSING, AT_STEP, frozen="holidays"), AT_STEP),
        Scene(
            "a step meets the service's freeze",
            replace(PROGRESSING, frozen="amina froze web: quiet."),
            reading(PROGRESSING, AT_STEP, frozen="holidays"),
            AT_STEP,
        ),
        Scene(
            "only the configuration is new",
            changed(PROGRESSING, stable_release=release("b")),
            reading(PROGRESSING, AT_STEP, Health.UNHEALTHY),
            AT_STEP,
        ),
        Scene(
            "users go back to an older one",
            PROGRESSING,
            reading(PROGRESSING, AT_STEP, Health.UNHEALTHY, target="web-00000-old"),
            AT_STEP,
        ),
    ]


def standing_still() -> list[Scene]:
    scenes = []
    for cause in HoldCause:
        record = holding(cause)
        assert record.rollout
        at = record.rollout.phase_since
        late = at + STRATEGY.step_deadline
        scenes += [
            Scene(f"held for {cause} and healthy", record, judged(record, at, Health.HEALTHY), at),
            Scene(f"held for {cause} and unhealthy", record, judged(record, at, Health.UNHEALTHY), at),
            Scene(f"held for {cause} and nobody sees", record, judged(record, at, Health.ERROR), at),
            Scene(f"held for {cause} for long", record, judged(record, late, target=""), late),
        ]
    frozen = holding(HoldCause.FREEZE)
    assert frozen.rollout
    at = frozen.rollout.phase_since
    late = at + STRATEGY.step_deadline
    paused = holding(HoldCause.PAUSED, Phase.PREPARING)
    failed = judged(paused, NOW, canary_state=RevisionState.FAILED, canary_message="exit code 1")
    return [
        *scenes,
        Scene("held and still frozen", frozen, judged(frozen, at, frozen="holidays"), at),
        Scene("held and frozen for long", frozen, judged(frozen, late, frozen="holidays"), late),
        Scene("held and never started", paused, failed),
        Scene("held and gone", frozen, judged(frozen, at, canary_state=RevisionState.MISSING), at),
    ]
