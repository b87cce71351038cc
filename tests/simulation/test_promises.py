"""Every promise holds under every seed, with verdicts drawn and with the real judge."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.breakages import BREAKAGES
from tests.simulation.campaign import Failure, first_failure, live, shrunk
from tests.simulation.faults import Fault
from tests.simulation.happenings import WEIGHTS
from tests.simulation.nights import Nights
from tests.simulation.promised import PROMISES
from tests.simulation.world import Setup, World

CHUNK = 50
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("first", range(0, 500, CHUNK))
def test_every_promise_holds_with_drawn_verdicts(first: int) -> None:
    failure = first_failure(range(first, first + CHUNK))
    assert failure is None, told(failure)


def told(failure: Failure) -> str:
    """What was found, the shortest history that still fails, and the command that replays it."""
    shortest = shrunk(failure)
    return "\n".join((shortest.found, *shortest.history, shortest.command))


def test_every_promise_holds_with_the_real_judge() -> None:
    failure = first_failure(range(20), judge="real")
    assert failure is None, told(failure)


def test_a_seed_replays_exactly() -> None:
    def history(seed: int) -> tuple[list[str], dict[str, bytes], int]:
        world = World(Setup(seed))
        world.live()
        return world.bus.told, world.ledger.objects, world.timeline.steps

    assert history(7) == history(7)
    assert history(7) != history(8)


def test_the_seeds_meet_every_fault_and_every_ending() -> None:
    """A simulation whose faults never strike, or whose releases all end alike, would promise nothing."""
    faults: set[Fault] = set()
    checked: Counter[str] = Counter()
    happened: set[str] = set()
    races = replayed_late = 0
    kinds: set[str] = set()
    for seed in range(60):
        world = World(Setup(seed))
        world.live()
        faults |= set(world.surroundings.faults.seen)
        races, replayed_late = races + world.surroundings.races, replayed_late + world.replayed_late
        happened |= {row.what for row in world.happenings}
        checked += world.promises.checked
        kinds |= {key.rpartition("Z-")[2].removesuffix(".json") for key in world.ledger.announcements}
    for seed in range(5):
        nights = Nights(Setup(seed))
        nights.live()
        checked += nights.checked
    assert faults == set(Fault)
    assert happened == set(WEIGHTS)
    assert races
    assert replayed_late
    assert set(checked) == set(PROMISES), "a promise was never checked"
    endings = {"rollout.promoted", "rollout.rolled_back", "rollout.failed", "rollout.superseded", "rollout.aborted"}
    assert kinds >= endings | {"rollout.held", "record.restored", "traffic.edited", "deploy.refused", "incident.noted"}


def test_the_page_promises_what_is_checked() -> None:
    page = (ROOT / "docs" / "explanation" / "failure_model.md").read_text()
    assert dict(re.findall(r"^\| ([a-l]) \| (.+) \|$", page, re.MULTILINE)) == dict(PROMISES)


def test_a_failure_comes_with_the_shortest_history_that_still_fails() -> None:
    breakage = next(row for row in BREAKAGES if row.name == "pin_not_asked")
    with breakage.made():
        failure = first_failure(range(500))
        assert failure
        shortest = shrunk(failure)
        assert shortest.setup.only is not None
        assert len(shortest.setup.only) < len(World(failure.setup).happenings)
        assert live(shortest.setup).failure
        for number in shortest.setup.only:
            less = live(replace(shortest.setup, only=shortest.setup.only - {number})).failure
            assert less is None or less.found[:3] != shortest.found[:3]
    assert shortest.command.startswith(f"scripts/simulate --seed {failure.setup.seed} --judge drawn --only ")
