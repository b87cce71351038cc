"""The zip that is tested is the zip that ships: unpacked alone, served, and sent a real message."""

import base64
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.package_functions import functions, package
from tests.runtime.tokens import EMAIL, KEY, token

START_SECONDS_MAX = 60.0


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=functions())
def served(request: pytest.FixtureRequest, tmp_path: Path, port: int) -> Iterator[tuple[str, int]]:
    """A function under functions-framework, from its zip, with nothing of the repository in sight."""
    zipfile.ZipFile(io.BytesIO(package(request.param).content)).extractall(tmp_path)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DELIVERY_ENVIRONMENT": json.dumps(
            {
                "name": "dev",
                "project": "demo",
                "region": "africa-south1",
                "ledger_bucket": "ledger",
                "services": {"web": {"image": "registry.example/apps/web"}},
            }
        ),
        "PUSH_AUDIENCE": f"http://127.0.0.1:{port}",
        "PUSH_CALLER": EMAIL,
        "PUSH_TOKEN_KEY": KEY,
    }
    command = [sys.executable, "-m", "functions_framework", "--source", "main.py", "--target", request.param]
    command += ["--signature-type", "http", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(process, port, tmp_path / "log")
        yield request.param, port
    finally:
        process.terminate()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(log.read_text())


def post(port: int, topic: str, body: object, authorization: str) -> tuple[int, str]:
    """One message as a binary CloudEvent."""
    message = {
        "data": base64.b64encode(json.dumps(body).encode()).decode(),
        "attributes": {"command": "pause"},
        "messageId": "1",
        "publishTime": "2026-11-23T12:00:00Z",
    }
    headers = {
        "Authorization": authorization,
        "Content-Type": "application/json",
        "ce-id": "1",
        "ce-source": f"//pubsub.googleapis.com/projects/demo/topics/{topic}",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/", json.dumps({"message": message, "subscription": "s"}), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


# For every function a message that it takes, understands and has nothing to do for: no cloud is needed to answer it.
QUIET = {
    "backup_verify": ("backup-checks", {}, "not_configured"),
    "sql_backup": ("backup-requests", {}, "not_configured"),
    "restore_drill": ("drill-ticks", {}, "not_configured"),
    "image_pushed": ("gcr", {"action": "DELETE", "tag": "registry.example/apps/web:1"}, "deleted"),
    "build_finished": ("cloud-builds", {"id": "b", "status": "WORKING"}, "not_finished"),
    "canary_deploy": (
        "deploy-requests",
        {
            "v": 1,
            "service": "other",
            "source": "push",
            "by": "push",
            "image": "i",
            "digest": "sha256:" + "a" * 64,
            "requested_at": "2026-11-23T12:00:00Z",
        },
        "unknown_service",
    ),
    "health_verify": (
        "revision-changes",
        {"resource": {"type": "cloud_run_revision", "labels": {"service_name": "other"}}},
        "unknown_service",
    ),
    "traffic_shift": (
        "verdicts",
        {"v": 1, "service": "other", "at": "2026-11-23T12:00:00Z", "sequence": 1, "canary_state": "ready"},
        "unknown_service",
    ),
    "auto_rollback": ("alerts", {"version": "test", "incident": {}}, "test_notification"),
    "rollout_command": (
        "commands",
        {"command": "pause", "service": "other", "by": "a", "why": "b", "request_id": "c"},
        "unknown_service",
    ),
}


def test_every_function_answers_a_real_message_from_its_zip_alone(served: tuple[str, int]) -> None:
    name, port = served
    bearer = f"Bearer {token(datetime.now(UTC), aud=f'http://127.0.0.1:{port}')}"
    assert post(port, "any", {}, "")[0] == 401
    if name in QUIET:
        topic, body, rule = QUIET[name]
        status, answer = post(port, topic, body, bearer)
        assert (status, answer.partition(":")[0]) == (200, rule)
    assert break_off(port, bearer).startswith(b"HTTP/1.1 503 ")


def break_off(port: int, authorization: str) -> bytes:
    """The answer to a message whose sender stops in the middle of it."""
    head = f"POST /projects/demo/topics/any HTTP/1.1\r\nHost: here\r\nAuthorization: {authorization}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f'{head}Content-Length: 700\r\n\r\n{{"message": '.encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1 << 16)


def test_every_function_but_notify_has_a_message_it_can_answer_alone() -> None:
    """notify asks the ledger about every announcement; the local cloud tests it."""
    assert set(functions()) - set(QUIET) == {"notify"}


@pytest.mark.parametrize("name", functions())
def test_the_same_tree_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    assert package(name).content == package(name).content
    names = zipfile.ZipFile(package(name).write(tmp_path)).namelist()
    assert names == sorted(names)
    assert {"main.py", "handler.py", "requirements.txt", "shared/rollout/decide.py"} <= set(names)
    assert not [found for found in names if "__pycache__" in found or found.startswith(("tests", "scripts"))]


def test_another_content_has_another_name_and_an_unknown_function_is_named() -> None:
    assert package("notify").file_name != package("image_pushed").file_name
    with pytest.raises(ValueError, match="nothing: no such function"):
        package("nothing")


def test_an_older_zip_of_the_same_function_makes_room_for_the_new_one(tmp_path: Path) -> None:
    older, other = tmp_path / "notify-0000000000000000.zip", tmp_path / "image_pushed-0000000000000000.zip"
    older.touch()
    other.touch()
    path = package("notify").write(tmp_path)
    assert set(tmp_path.iterdir()) == {path, other}
