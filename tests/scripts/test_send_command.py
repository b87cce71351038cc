"""An operator's command from the shell arrives as the functions read it, once, and not at all on a dry run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.pubsub.server import PubSub
from shared.events import command
from shared.events.message import Message
from shared.rollout.commands import Verb
from tests.local_cloud.pubsub_client import Client, connected

SCRIPT = Path(__file__).parents[2] / "scripts" / "send_command.py"
WHY = "checkout fails in Lagos"

# The only way to see that nothing waits without waiting for it; the real service still takes it.
pytestmark = pytest.mark.filterwarnings("ignore:The return_immediately flag is deprecated:DeprecationWarning")


@pytest.fixture
def pubsub() -> Iterator[tuple[Client, int]]:
    server = PubSub(b"a key of this test")
    server.start()
    try:
        with connected(server.grpc_port) as client:
            client.topic("commands")
            client.subscription("commands", "commands")
            yield client, server.grpc_port
    finally:
        server.stop()


def send(port: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{port}", "PATH": ""}
    command_line = [sys.executable, str(SCRIPT), *arguments, "--project", PROJECT]
    return subprocess.run(command_line, env=environment, capture_output=True, text=True, timeout=60)


def test_the_functions_read_what_was_sent(pubsub: tuple[Client, int]) -> None:
    client, port = pubsub
    sent = send(port, "rollback", "web", "--by", "amina", "--why", WHY, "--request-id", "r1")
    assert (sent.returncode, sent.stderr) == (0, "")
    (received,) = client.pull("commands", 1)
    message = Message(
        id=received.message.message_id,
        topic="commands",
        published_at=datetime.now(UTC),
        data=received.message.data,
        attributes=dict(received.message.attributes),
    )
    order = command.parse(message)
    assert (order.verb, order.service, order.by, order.why, order.request_id) == (
        Verb.ROLLBACK,
        "web",
        "amina",
        WHY,
        "r1",
    )
    assert received.message.attributes["command"] == "rollback"


def test_another_holder_is_named(pubsub: tuple[Client, int]) -> None:
    _, port = pubsub
    shown = send(port, "unfreeze", "*", "--by", "amina", "--why", WHY, "--holder", "*", "--dry-run")
    assert '"holder": "*"' in shown.stdout
    refused = send(port, "unfreeze", "web", "--by", "amina", "--why", WHY, "--holder", "*", "--dry-run")
    assert (refused.returncode, "--holder" in refused.stderr) == (2, True)


def test_a_dry_run_shows_the_message_and_sends_nothing(pubsub: tuple[Client, int]) -> None:
    client, port = pubsub
    shown = send(port, "rollback", "web", "--by", "amina", "--why", WHY, "--dry-run")
    assert shown.returncode == 0
    assert WHY in shown.stdout
    assert client.nothing_waits("commands")


def test_nobody_sends_without_a_name(pubsub: tuple[Client, int]) -> None:
    _, port = pubsub
    refused = send(port, "rollback", "web", "--why", WHY)
    assert refused.returncode == 2
    assert "--by: say who you are" in refused.stderr
