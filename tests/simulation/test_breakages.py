"""The simulation sees: every rule broken on purpose is found within 500 seeds."""

import pytest

from tests.simulation.__main__ import BREAKAGE_SEEDS, seeds_until_found
from tests.simulation.breakages import BREAKAGES


@pytest.mark.parametrize("number", range(len(BREAKAGES)), ids=[breakage.name for breakage in BREAKAGES])
def test_a_broken_rule_is_found(number: int) -> None:
    seeds, _ = seeds_until_found(number)
    assert seeds is not None, f"{BREAKAGES[number].mistake} was not found in {BREAKAGE_SEEDS} seeds"


def test_there_are_as_many_as_promised_and_each_has_a_name_of_its_own() -> None:
    assert len({breakage.name for breakage in BREAKAGES}) == len(BREAKAGES) >= 20
