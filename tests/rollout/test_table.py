"""The transition table, at its edges."""

import pytest

from shared.rollout.names import Phase
from shared.rollout.table import TRANSITIONS, Cause, after
from tests.rollout.cases import ACTIVE


def test_terminal_phases_are_left_only_by_taking_a_promotion_back() -> None:
    for phase in (Phase.ROLLED_BACK, Phase.FAILED, Phase.SUPERSEDED, Phase.ABORTED):
        assert TRANSITIONS[phase] == {}
    assert set(TRANSITIONS[Phase.PROMOTED]) == {Cause.ALERT, Cause.ROLLBACK_COMMAND}


@pytest.mark.parametrize("phase", [*ACTIVE, Phase.HELD, Phase.PROMOTED])
def test_a_persons_rollback_is_in_every_row_that_can_have_users(phase: Phase) -> None:
    assert after(phase, Cause.ROLLBACK_COMMAND) is Phase.ROLLED_BACK
