"""Dead letters go back to their topic with the time they were first published, and only then are kept no more."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.pubsub.server import PubSub
from scripts.replay_dead_letters import FIRST_TIME
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
            client.subscription(
                "auto-rollback-alerts-dead-letters", "auto-rollback-alerts-dead-letters", ack_deadline_seconds=1
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
    client.publish("auto-rollback-alerts-dead-letters", "one", attributes={FIRST_TIME: OLD, "colour": "red"})
    done = replay(port, "auto-rollback-alerts")
    assert done.returncode == 0, done.stderr
    assert OLD in done.stdout
    assert "1 sent again" in done.stdout
    [received] = client.pull("auto-rollback-alerts", 1)
    assert received.message.data == b"one"
    assert dict(received.message.attributes) == {FIRST_TIME: OLD, "colour": "red"}
    assert client.nothing_waits("auto-rollback-alerts-dead-letters")


def test_a_dry_run_shows_and_sends_nothing(cloud: tuple[Client, int]) -> None:
    client, port = cloud
    client.publish("auto-rollback-alerts-dead-letters", "one", attributes={FIRST_TIME: OLD})
    done = replay(port, "auto-rollback-alerts", "--dry-run", "--count-max", "1")
    assert done.returncode == 0, done.stderr
    assert "1 kept" in done.stdout
    assert client.nothing_waits("auto-rollback-alerts")
    assert client.pull("auto-rollback-alerts-dead-letters", 1)[0].message.data == b"one"


def test_a_subscription_that_is_not_there_is_named(cloud: tuple[Client, int]) -> None:
    done = replay(cloud[1], "no-such")
    assert done.returncode == 2
    assert "no-such" in done.stderr
