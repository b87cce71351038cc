"""The simulation sees: every rule broken on purpose is found within 500 seeds, as the promise it breaks."""

import re
from pathlib import Path

import pytest

from tests.simulation.__main__ import BREAKAGE_SEEDS, seeds_until_found
from tests.simulation.breakages import BREAKAGES
from tests.simulation.promised import PROMISES

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "failure_model.md"
ROW = re.compile(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \| (\d+) \|$", re.MULTILINE)
SEEDS = {mistake: int(seeds) for mistake, seeds in ROW.findall(PAGE.read_text())}


@pytest.mark.parametrize("number", range(len(BREAKAGES)), ids=[breakage.name for breakage in BREAKAGES])
def test_a_broken_rule_is_found(number: int) -> None:
    """First tried is the seed that found it when the page was written: any of the 500 will do."""
    breakage = BREAKAGES[number]
    seeds, found = seeds_until_found(number, first=SEEDS[breakage.mistake] - 1, tried=1)
    if seeds is None:
        seeds, found = seeds_until_found(number)
    assert seeds is not None, f"{breakage.mistake} was not found in {BREAKAGE_SEEDS} seeds"
    assert found in tuple(breakage.breaks), f"{breakage.mistake} was found as ({found})"


def test_there_are_as_many_as_promised_and_each_has_a_name_of_its_own() -> None:
    assert len({breakage.name for breakage in BREAKAGES}) == len(BREAKAGES) >= 20


def test_the_page_names_each_with_the_seeds_it_takes() -> None:
    assert SEEDS.keys() == {breakage.mistake for breakage in BREAKAGES}
    assert max(SEEDS.values()) <= BREAKAGE_SEEDS


def test_every_promise_is_broken_by_something() -> None:
    assert {letter for breakage in BREAKAGES for letter in breakage.breaks} == set(PROMISES)
