"""The transition table: which cause may move a rollout from which phase to which.

Illegal is absent. Everything that changes a phase goes through `after`; the picture in the docs is drawn from here.
"""

from enum import StrEnum

from shared.rollout.names import Phase


class Cause(StrEnum):
    """Why a phase changes."""

    READY = "ready"
    START_FAILED = "start_failed"
    PROBES_PASSED = "probes_passed"
    PROBES_FAILED = "probes_failed"
    FIRST_DEPLOYMENT = "first_deployment"
    STEP_PASSED = "step_passed"
    LAST_STEP_PASSED = "last_step_passed"
    BAKED = "baked"
    UNHEALTHY = "unhealthy"
    ALERT = "alert"
    ROLLBACK_COMMAND = "rollback_command"
    ABORT_COMMAND = "abort_command"
    PROMOTE_COMMAND = "promote_command"
    SUPERSEDED = "superseded"
    HOLD = "hold"


_ALWAYS = {
    Cause.ROLLBACK_COMMAND: Phase.ROLLED_BACK,
    Cause.ABORT_COMMAND: Phase.ABORTED,
    Cause.HOLD: Phase.HELD,
}
_ON_TRIAL = {**_ALWAYS, Cause.UNHEALTHY: Phase.ROLLED_BACK, Cause.ALERT: Phase.ROLLED_BACK}

TRANSITIONS: dict[Phase, dict[Cause, Phase]] = {
    Phase.PREPARING: {
        **_ALWAYS,
        Cause.READY: Phase.VERIFYING,
        Cause.START_FAILED: Phase.FAILED,
        Cause.SUPERSEDED: Phase.SUPERSEDED,
    },
    Phase.VERIFYING: {
        **_ALWAYS,
        Cause.PROBES_PASSED: Phase.PROGRESSING,
        Cause.FIRST_DEPLOYMENT: Phase.BAKING,
        Cause.PROBES_FAILED: Phase.ROLLED_BACK,
        Cause.SUPERSEDED: Phase.SUPERSEDED,
    },
    Phase.PROGRESSING: {
        **_ON_TRIAL,
        Cause.STEP_PASSED: Phase.PROGRESSING,
        Cause.LAST_STEP_PASSED: Phase.BAKING,
        Cause.PROMOTE_COMMAND: Phase.BAKING,
        Cause.SUPERSEDED: Phase.SUPERSEDED,
    },
    Phase.BAKING: {
        **_ON_TRIAL,
        Cause.BAKED: Phase.PROMOTED,
        Cause.PROMOTE_COMMAND: Phase.PROMOTED,
    },
    # A hold also ends by going back to the phase it interrupted, which no table can name.
    Phase.HELD: {
        **_ON_TRIAL,
        Cause.START_FAILED: Phase.FAILED,
        Cause.PROMOTE_COMMAND: Phase.BAKING,
        Cause.SUPERSEDED: Phase.SUPERSEDED,
    },
    # Inside the action window a promoted release can still be taken back.
    Phase.PROMOTED: {Cause.ALERT: Phase.ROLLED_BACK, Cause.ROLLBACK_COMMAND: Phase.ROLLED_BACK},
    Phase.ROLLED_BACK: {},
    Phase.FAILED: {},
    Phase.SUPERSEDED: {},
    Phase.ABORTED: {},
}


def after(phase: Phase, cause: Cause) -> Phase | None:
    """The phase that `cause` leads to, or None when the table does not allow it."""
    return TRANSITIONS[phase].get(cause)
