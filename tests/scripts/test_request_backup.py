"""What a person asks of the backups from the shell arrives as the functions read it, and not at all on a dry run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.pubsub.server import PubSub
from tests.local_cloud.pubsub_client import Client, connected

SCRIPT = Path(__file__).parents[2] / "scripts" / "request_backup.py"
KEY = "exports/chat/chat/20261124T000000Z.sql.gz"
TOPICS = {"export": "backup-requests", "accept": "backup-acceptances", "drill": "drill-requests"}


@pytest.fixture
def pubsub() -> Iterator[tuple[Client, int]]:
    server = PubSub(b"a key of this test")
    server.start()
    try:
        with connected(server.grpc_port) as client:
            for topic in TOPICS.values():
                client.topic(topic)
                client.subscription(topic, topic)
            yield client, server.grpc_port
    finally:
        server.stop()


def ask(port: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{port}", "PATH": ""}
    command = [sys.executable, str(SCRIPT), *arguments, "--project", PROJECT]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "body", "attributes"),
    [
        (("export", "chat"), {}, {"again": "chat"}),
        (("drill", "chat"), {}, {"instance": "chat"}),
        (("accept", KEY, "--by", "ada", "--why", "meant"), {"key": KEY, "by": "ada", "why": "meant"}, {}),
    ],
)
def test_the_functions_read_what_was_asked(
    pubsub: tuple[Client, int], arguments: tuple[str, ...], body: dict[str, str], attributes: dict[str, str]
) -> None:
    client, port = pubsub
    done = ask(port, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    (received,) = client.pull(TOPICS[arguments[0]], 1)
    assert json.loads(received.message.data) == body
    assert dict(received.message.attributes) == attributes


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("accept", KEY, "--by", "ada"), "--why"),
        (("accept", KEY, "--why", "meant"), "--by"),
        (("accept", "by-hand/x.sql.gz", "--by", "ada", "--why", "meant"), "is no export"),
    ],
)
def test_nothing_is_accepted_without_a_name_and_a_reason(arguments: tuple[str, ...], told: str) -> None:
    done = ask(1, *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_dry_run_sends_nothing() -> None:
    done = ask(1, "export", "chat", "--dry-run")
    assert (done.returncode, done.stdout.count("would send to")) == (0, 1)
