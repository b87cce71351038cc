"""The way back leads to a revision that was asked and answered."""

from tests.functions.world import MINUTE, STABLE, World, on_trial, promoted


def three_releases() -> tuple[World, list[str]]:
    """A canary c at its first share; b, promoted before it, is stable, and a was stable before b."""
    world = promoted()
    world.cloud.clock.pass_(MINUTE)
    world.release("c")
    return world, [STABLE, world.record.stable, world.canary]


def test_the_way_back_is_a_revision_that_was_asked_and_answered() -> None:
    world, [first, stable, canary] = three_releases()
    world.tick()
    assert (world.record.target, world.record.standby) == (stable, first)
    tags = {row.tag: row.revision for row in world.cloud.services.rows["web"].traffic if row.tag}
    assert tags == {"stable": stable, "standby": first, "canary": canary}
    world.cloud.prober.failing.add(stable)
    world.tick()
    assert world.record.target == first
    assert first in {revision for _, revision, _ in world.cloud.prober.probed}
    world.command("rollback")
    assert world.cloud.services.percents("web") == {first: 100}


def test_a_revision_that_does_not_answer_is_no_way_back_although_it_is_ready() -> None:
    world, [first, stable, _] = three_releases()
    world.cloud.prober.failing |= {first, stable}
    for _ in range(4):
        world.tick()
        assert world.record.target == ""
    assert world.record.rollout
    assert world.record.rollout.phase == "held"
    assert {first, stable} <= {row[1] for row in world.cloud.prober.probed}
    world.cloud.prober.failing.discard(first)
    world.tick()
    assert world.record.target == first


def test_a_stable_that_stops_answering_takes_the_way_back_away() -> None:
    world = on_trial()
    world.cloud.prober.failing.add(STABLE)
    world.tick()
    assert world.record.target == ""
    assert world.record.rollout
    assert world.record.rollout.phase == "held"


def test_after_a_promotion_the_next_one_takes_its_turn_when_the_way_back_falls_silent() -> None:
    world, [first, stable, _] = three_releases()
    world.until("promoted")
    assert (world.record.target, world.record.standby) == (stable, first)
    world.cloud.prober.failing.add(stable)
    world.tick()
    assert world.record.target == first
    world.cloud.prober.failing.add(first)
    world.tick()
    assert world.record.target == ""
    world.cloud.prober.failing.discard(stable)
    for _ in range(3):
        world.tick()
    assert world.record.target == stable


def test_a_revision_that_is_gone_gets_no_tag() -> None:
    world, [first, stable, canary] = three_releases()
    del world.cloud.services.revisions[first]
    world.tick()
    tags = {row.tag: row.revision for row in world.cloud.services.rows["web"].traffic if row.tag}
    assert tags == {"stable": stable, "canary": canary}
