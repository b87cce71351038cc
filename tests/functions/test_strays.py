"""Messages for another function, or about a service that is not there or not in our care yet."""

import json

import pytest

from shared.errors import InvalidEvent, Unavailable
from shared.events.message import Message
from tests.fakes.clock import NOW
from tests.functions.world import World, deployed, handler


def test_messages_of_another_function_are_left_to_it() -> None:
    world = deployed()
    command = {"command": "pause", "service": "web", "by": "a", "why": "b", "request_id": "c"}
    for name, topic, verb in (("auto_rollback", "commands", "pause"), ("rollout_command", "commands", "rollback")):
        data = json.dumps({**command, "command": verb}).encode()
        message = Message(id="1", topic=topic, published_at=NOW, data=data, attributes={"command": verb})
        assert handler(name)(message, world.cloud).startswith("not_ours")
    with pytest.raises(InvalidEvent, match="topic"):
        handler("auto_rollback")(Message(id="1", topic="gcr", published_at=NOW, data=b"{}"), world.cloud)


@pytest.mark.parametrize("verb", ["pause", "rollback"])
def test_unknown_services_and_services_without_a_record_are_named(verb: str) -> None:
    world = deployed()
    assert "unknown_service" in world.command(verb, "shop")[0]
    assert "no_record" in world.command(verb, "web")[0]


def test_a_service_that_does_not_exist_is_tried_again_later() -> None:
    world = World()
    with pytest.raises(Unavailable, match="does not exist"):
        world.push("b")
    world.delivered = len(world.cloud.messages.published)
    assert world.tick() == ["health_verify: measured: nothing to do."]
