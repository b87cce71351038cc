"""Every promise holds under every seed, with verdicts drawn and with the real judge."""

from dataclasses import replace

import pytest

from tests.simulation.breakages import BREAKAGES
from tests.simulation.campaign import first_failure, live, shrunk
from tests.simulation.faults import Fault
from tests.simulation.world import Setup, World

CHUNK = 50


@pytest.mark.parametrize("first", range(0, 500, CHUNK))
def test_every_promise_holds_with_drawn_verdicts(first: int) -> None:
    failure = first_failure(range(first, first + CHUNK))
    assert failure is None, f"{failure.found}\n{shrunk(failure).command}"


def test_every_promise_holds_with_the_real_judge() -> None:
    failure = first_failure(range(20), judge="real")
    assert failure is None, f"{failure.found}\n{failure.command}"


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
    kinds: set[str] = set()
    for seed in range(60):
        world = World(Setup(seed))
        world.live()
        faults |= set(world.surroundings.faults.seen)
        kinds |= {key.rpartition("Z-")[2].removesuffix(".json") for key in world.ledger.announcements}
    assert faults == set(Fault)
    endings = {"rollout.promoted", "rollout.rolled_back", "rollout.failed", "rollout.superseded", "rollout.aborted"}
    assert kinds >= endings | {"rollout.held", "record.restored", "traffic.edited", "deploy.refused", "incident.noted"}


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
