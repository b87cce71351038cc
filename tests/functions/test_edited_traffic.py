"""A split that a person made by hand is left alone, until they give it back or an end asks for just that."""

import json

from shared.events.message import Message
from shared.rollout.service import TrafficTarget
from tests.functions.world import MINUTE, STABLE, handler, on_trial


def test_traffic_edited_by_hand_is_noticed_left_alone_and_given_back() -> None:
    world = on_trial()
    world.split_by_hand(TrafficTarget(revision=STABLE, percent=60), TrafficTarget(revision=world.canary, percent=40))
    world.tick()
    assert world.record.edited
    assert world.cloud.services.percents("web") == {STABLE: 60, world.canary: 40}
    world.cloud.clock.pass_(MINUTE)
    world.command("resume")
    assert world.cloud.services.percents("web") == {STABLE: 95, world.canary: 5}


def test_an_end_that_asks_for_what_somebody_set_by_hand_leaves_nothing_in_their_hands() -> None:
    """An abort sent before the hand-made split leaves it alone, and it is just the split that the abort asks for."""
    world = on_trial()
    sent_at = world.cloud.clock.now()
    for _ in range(4):
        world.tick()
    tags = [target for target in world.cloud.services.rows["web"].traffic if not target.percent]
    world.split_by_hand(TrafficTarget(revision=STABLE, percent=100), *tags)
    world.tick()
    assert world.record.edited
    body = {"command": "abort", "service": "web", "by": "amina", "why": "a reason", "request_id": "r1"}
    late = Message(
        id="late",
        topic="commands",
        published_at=sent_at,
        data=json.dumps(body).encode(),
        attributes={"command": "abort", "service": "web"},
    )
    assert handler("auto_rollback")(late, world.cloud).startswith("rollout.aborted")
    world.deliver()
    assert not world.record.edited
    assert "canary" not in world.cloud.services.rows["web"].tagged
    told = [json.loads(item.data)["kind"] for item in world.cloud.messages.published if item.topic == "rollout-events"]
    assert told[-2:] == ["rollout.aborted", "traffic.restored"]
    ended = world.cloud.services.rows["web"]
    assert handler("auto_rollback")(late, world.cloud).startswith("duplicate")
    assert world.cloud.services.rows["web"] == ended
