"""Messages that come again, cross each other, or could not be sent."""

import json

import pytest

from shared.errors import Conflict, Unavailable
from shared.events.message import Message
from tests.fakes.clock import NOW
from tests.fakes.cloud import IMAGE
from tests.functions.world import MINUTE, STABLE, World, deployed, digest, handler, on_trial


def test_the_same_message_three_times_changes_nothing_more() -> None:
    world = on_trial()
    world.cloud.clock.pass_(MINUTE)
    world.command("rollback")
    writes = len(world.cloud.services.writes)
    for _ in range(2):
        world.command("rollback")
        world.push("b")
    world.push("b")
    assert len([write for write in world.cloud.services.writes[writes:] if write.kind == "start"]) == 0
    assert world.cloud.services.percents("web") == {STABLE: 100}


def test_a_lost_race_is_decided_again_on_fresh_state() -> None:
    world = deployed()
    world.cloud.services.conflicts = 3
    world.push("b")
    assert len(world.cloud.services.writes) == 1


def test_too_many_lost_races_go_back_to_pubsub() -> None:
    world = deployed()
    world.cloud.services.conflicts = 99
    with pytest.raises(Conflict):
        world.push("b")


def test_an_announcement_that_could_not_be_published_is_told_by_a_later_tick() -> None:
    world = deployed()
    request = _deploy_request(world)
    world.cloud.messages.down = True
    with pytest.raises(Unavailable):
        handler("canary_deploy")(request, world.cloud)
    world.cloud.messages.down = False
    assert world.record.outbox
    world.tick(5 * MINUTE)
    assert "services/web/000001-20261123T120000.000Z-rollout.started.json" in world.cloud.ledger.objects
    world.tick()
    assert world.record.outbox == ()


def _deploy_request(world: World) -> Message:
    body = {"action": "INSERT", "digest": f"{IMAGE}@{digest('b')}", "tag": f"{IMAGE}:v1"}
    handler("image_pushed")(Message(id="1", topic="gcr", published_at=NOW, data=json.dumps(body).encode()), world.cloud)
    item = world.cloud.messages.on("deploy-requests")[0]
    world.delivered = len(world.cloud.messages.published)
    return Message(id="2", topic="deploy-requests", published_at=NOW, data=item.data, attributes=item.attributes)
