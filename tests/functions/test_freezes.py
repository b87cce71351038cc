"""A frozen environment starts nothing, and everybody hears who froze it and who still does."""

import pytest

from shared.errors import InvalidEvent
from tests.functions.world import MINUTE, World, deployed


def windows_edge(world: World, verb: str) -> str:
    """As Cloud Scheduler sends it: the same request id every week."""
    name = "starts" if verb == "freeze" else "ends"
    body = {
        "command": verb,
        "service": "*",
        "by": "freeze window weekend",
        "why": "weekend",
        "request_id": f"freeze-window-weekend-{name}",
    }
    world.cloud.clock.pass_(3 * 24 * 60 * MINUTE)
    return world.send("commands", body, {"command": verb, "service": "*"})[-1]


def test_a_frozen_environment_starts_nothing_until_it_is_unfrozen() -> None:
    world = deployed()
    world.command("freeze", "*")
    assert any("waits" in line for line in world.push("b"))
    world.cloud.clock.pass_(MINUTE)
    world.command("unfreeze", "*", "r2")
    world.tick()
    assert world.record.active
    with pytest.raises(InvalidEvent, match="service"):
        world.command("pause", "*", "r3")


def test_every_weekend_is_told_and_kept_in_the_ledger() -> None:
    world = deployed()
    told = [windows_edge(world, verb) for verb in ("freeze", "unfreeze", "freeze", "unfreeze")]
    assert all(line.startswith("notify: told") for line in told), told
    assert len(world.cloud.ledger.keys("services/environment/")) == 4


def test_a_freeze_delivered_twice_is_told_once() -> None:
    world = deployed()
    world.command("freeze", "*")
    assert world.command("freeze", "*")[-1].startswith("notify: duplicate")


def test_a_window_that_ends_leaves_a_persons_stop_and_says_so() -> None:
    world = deployed()
    windows_edge(world, "freeze")
    world.command("freeze", "*", "stop")
    assert "It is still frozen: amina froze dev" in windows_edge(world, "unfreeze")
    assert world.cloud.ledger.freeze() == "amina froze dev: a reason"
    assert any("waits" in line for line in world.push("b"))


def test_a_person_can_lift_what_others_hold() -> None:
    world = deployed()
    windows_edge(world, "freeze")
    world.command("freeze", "*", "stop")
    world.cloud.clock.pass_(MINUTE)
    order = {"service": "*", "by": "kofi", "why": "go", "request_id": "r3", "holder": "*"}
    world.send("commands", {"command": "unfreeze", **order}, {"command": "unfreeze"})
    assert world.cloud.ledger.freeze() == ""
    with pytest.raises(InvalidEvent, match="holder"):
        world.send("commands", {"command": "freeze", **order}, {"command": "freeze"})
