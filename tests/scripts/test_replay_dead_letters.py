"""Dead letters go back to their topic with the time they were first published, and only then are kept no more."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.pubsub.server import PubSub
from scripts.replay_dead_letters import DEATH_TIME, FIRST_TIME
from shared.errors import InvalidRecord
from shared.events.message import Message
from shared.runtime import envelope, rejections
from tests.fakes.cloud import environment
from tests.local_cloud.pubsub_client import Client, connected

SCRIPT = Path(__file__).parents[2] / "scripts" / "replay_dead_letters.py"
OLD = "2026-01-02T03:04:05.678+00:00"

# The only way to see that nothing waits without waiting for it; the real service still takes it.
pytestmark = pytest.mark.filterwarnings("ignore:The return_immediately flag is deprecated:DeprecationWarning")


@pytest.fixture
def cloud() -> Iterator[tuple[Client, int]]:
    server = PubSub(b"a key of this test", ack_deadline_seconds_min=1)
    server.start()
    try:
        with connected(server.grpc_port) as client:
            client.topic("alerts")
            client.subscription("auto-rollback-alerts", "alerts")
            client.topic("auto-rollback-alerts-dead-letters")
            client.topic("rejected-events")
            client.subscription("rejected-events", "rejected-events", ack_deadline_seconds=600)
            client.subscription(
                "auto-rollback-alerts-dead-letters", "auto-rollback-alerts-dead-letters", ack_deadline_seconds=600
            )
            yield client, server.grpc_port
    finally:
        server.stop()


def replay(port: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments, "--project", PROJECT],
        env={**os.environ, "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{port}"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_message_goes_back_with_its_first_time_and_is_kept_no_more(cloud: tuple[Client, int]) -> None:
    client, port = cloud
    client.publish("auto-rollback-alerts-dead-letters", "one", attributes={DEATH_TIME: OLD, "colour": "red"})
    done = replay(port, "auto-rollback-alerts")
    assert done.returncode == 0, done.stderr
    assert OLD in done.stdout
    assert "1 sent again" in done.stdout
    [received] = client.pull("auto-rollback-alerts", 1)
    assert received.message.data == b"one"
    assert dict(received.message.attributes) == {DEATH_TIME: OLD, FIRST_TIME: OLD, "colour": "red"}
    assert client.nothing_waits("auto-rollback-alerts-dead-letters")


def test_a_dry_run_shows_and_sends_nothing(cloud: tuple[Client, int]) -> None:
    client, port = cloud
    client.publish("auto-rollback-alerts-dead-letters", "one", attributes={DEATH_TIME: OLD})
    done = replay(port, "auto-rollback-alerts", "--dry-run", "--count-max", "1")
    assert done.returncode == 0, done.stderr
    assert "1 kept" in done.stdout
    assert client.nothing_waits("auto-rollback-alerts")
    assert client.pull("auto-rollback-alerts-dead-letters", 1)[0].message.data == b"one"


def test_what_dies_again_is_still_as_old_as_at_first_and_keeps_its_order(cloud: tuple[Client, int]) -> None:
    client, port = cloud
    policy = {"dead_letter_topic": client.topic_name("mortal-dead-letters"), "max_delivery_attempts": 5}
    client.topic("pushes")
    client.topic("mortal-dead-letters")
    client.subscription("mortal", "pushes", dead_letter_policy=policy, enable_message_ordering=True)
    client.subscription("mortal-dead-letters", "mortal-dead-letters", enable_message_ordering=True)
    client.publish("pushes", "one", key="web")
    first = ""
    for _ in range(2):
        for _ in range(5):
            [received] = client.pull("mortal", 1)
            first = first or received.message.publish_time.isoformat()
            client.extend("mortal", 0, received)
        [letter] = client.pull("mortal-dead-letters", 1)
        client.extend("mortal-dead-letters", 0, letter)
        done = replay(port, "mortal")
        assert "1 sent again" in done.stdout, done.stdout + done.stderr
    [received] = client.pull("mortal", 1)
    again = received.message
    assert again.ordering_key == "web"
    pushed = {
        "messageId": again.message_id,
        "publishTime": again.publish_time.isoformat(),
        "attributes": dict(again.attributes),
    }
    read = envelope.read({}, json.dumps({"message": pushed}).encode(), "/projects/p/topics/pushes")
    assert read.published_at.isoformat(timespec="milliseconds")[:23] == first[:23]


class Sending:
    """Of a cloud, what keeping a rejected message needs."""

    def __init__(self, client: Client) -> None:
        self.environment, self.messages, self._client = environment(), self, client

    def publish(self, topic: str, data: bytes, attributes: dict[str, str], ordering_key: str = "") -> None:
        self._client.publish(topic, data.decode(), attributes=attributes)


def reject(client: Client, function: str, topic: str) -> None:
    message = Message(
        id="1",
        topic=topic,
        published_at=datetime.fromisoformat(OLD),
        data=b'{"command": "rollback"}',
        attributes={"command": "rollback"},
        ordering_key="web",
    )
    cloud: Any = Sending(client)
    rejections.keep_part(cloud, function, InvalidRecord("not JSON"), message, "web")


def test_what_a_function_rejected_goes_back_to_its_topic_as_old_as_it_was(cloud: tuple[Client, int]) -> None:
    client, port = cloud
    client.topic("commands")
    client.subscription("commands", "commands")
    reject(client, "auto_rollback", "commands")
    reject(client, "health_verify", "commands")
    shown = replay(port, "--rejected", "auto_rollback", "--dry-run", "--count-max", "2")
    assert "commands" in shown.stdout, shown.stderr
    assert "1 kept" in shown.stdout
    assert client.nothing_waits("commands")
    done = replay(port, "--rejected", "auto_rollback")
    assert "1 sent again" in done.stdout, done.stdout + done.stderr
    [received] = client.pull("commands", 1)
    assert received.message.data == b'{"command": "rollback"}'
    assert dict(received.message.attributes) == {"command": "rollback", FIRST_TIME: OLD.replace("678", "678000")}
    assert received.message.ordering_key == "web"
    [left] = client.pull("rejected-events", 1)
    assert left.message.attributes["function"] == "health_verify"


def test_what_was_no_push_stays_where_it_is(cloud: tuple[Client, int]) -> None:
    client, port = cloud
    sending: Any = Sending(client)
    error = InvalidRecord("not JSON")
    rejections.keep(sending, "auto_rollback", error, path="/", body=b"hello", content_type="")
    done = replay(port, "--rejected", "auto_rollback", "--count-max", "1")
    assert "cannot be sent again, and stays: body: not JSON" in done.stdout
    assert "0 sent again" in done.stdout


def test_a_subscription_that_is_not_there_is_named(cloud: tuple[Client, int]) -> None:
    done = replay(cloud[1], "no-such")
    assert done.returncode == 2
    assert "no-such" in done.stderr
