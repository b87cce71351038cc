import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.local_cloud.data_plane.plane import LocalDataPlane
from scripts.local_cloud.processes import child
from scripts.local_cloud.processes.conversation import REPOSITORY, Conversation, ConversationEnded
from tests.local_cloud.waiting import wait_until

SAMPLE = ("{python}", "-m", "scripts.local_cloud.data_plane.sample_app")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[LocalDataPlane]:
    plane = LocalDataPlane(tmp_path, sample_period_seconds=0.25, startup_deadline_seconds=5, grace_seconds=5)
    plane.start()
    yield plane
    plane.stop()


def started(plane: LocalDataPlane, revision: str, *flags: str) -> str:
    """Waits for the revision; returns "" or why it failed."""
    done = threading.Event()
    problems: list[str] = []

    def failed(message: str) -> None:
        problems.append(message)
        done.set()

    plane.start_revision("web", revision, [*SAMPLE, *flags], {"COLOUR": "blue"}, done.set, failed)
    assert done.wait(10)
    return problems[0] if problems else ""


def get(uri: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(uri, data=data, timeout=5) as response:
        return json.load(response)


def is_alive(pid: int) -> bool:
    """A zombie waits for its parent and is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_revision_serves_once_it_is_routed_and_its_requests_are_measured(plane: LocalDataPlane) -> None:
    assert started(plane, "web-1", "--version", "7") == ""
    plane.route("web", {"web-1": 100}, {"stable": "web-1"})
    assert get(plane.service_uri("web")) == {"revision": "web-1", "version": "7"}
    assert get(plane.tag_uri("web", "stable") + "/health/ready")["status"] == "ready"
    wait_until(lambda: sum(sum(one.requests.values()) for one in plane.measurements()) == 2)
    assert sum(sum(one.requests.values()) for one in plane.measurements()) == 2
    snapshot = json.loads(json.dumps(plane.snapshot()))
    assert snapshot["requests"] == {"web": {"web-1": {"2xx": 2}}}
    assert snapshot["dropped"] == 0
    assert snapshot["routes"]["web"]["percents"] == {"web-1": 100}
    assert snapshot["routes"]["web"]["tag_uris"] == {"stable": plane.tag_uri("web", "stable")}
    assert [(row["revision"], row["state"]) for row in snapshot["processes"]] == [("web-1", "ready")]


def test_a_container_gets_its_environment_and_nothing_of_ours(
    plane: LocalDataPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "localhost:1")
    tell = f"import json, os; open({str(tmp_path / 'told')!r}, 'w').write(json.dumps(dict(os.environ)))"
    failed = threading.Event()
    plane.start_revision(
        "web", "web-1", ["{python}", "-c", tell], {"COLOUR": "blue"}, failed.set, lambda _: failed.set()
    )
    assert failed.wait(10)
    told = json.loads((tmp_path / "told").read_text())
    assert told["COLOUR"] == "blue"
    assert (told["K_SERVICE"], told["K_REVISION"], told["K_CONFIGURATION"]) == ("web", "web-1", "web")
    assert int(told["PORT"]) > 0
    assert "PUBSUB_EMULATOR_HOST" not in told


def test_a_container_that_exits_fails_at_once_and_says_so(plane: LocalDataPlane) -> None:
    assert "exited with status 3 before it listened" in started(plane, "web-1", "--exit-at-start", "3")


def test_a_container_that_never_listens_fails_at_its_deadline_and_is_ended(tmp_path: Path) -> None:
    plane = LocalDataPlane(tmp_path, startup_deadline_seconds=0.8)
    plane.start()
    try:
        assert "within the allocated timeout of 0.8 s" in started(plane, "web-1", "--never-listen")
        (row,) = plane.snapshot()["processes"]
        assert row["state"] == "failed"
        assert not is_alive(row["pid"])
    finally:
        plane.stop()


def test_a_command_that_does_not_exist_fails(plane: LocalDataPlane) -> None:
    failed = threading.Event()
    plane.start_revision("web", "web-1", ["/no/such/program"], {}, lambda: None, lambda _: failed.set())
    assert failed.wait(10)


def test_stopping_a_revision_lets_its_requests_finish(plane: LocalDataPlane) -> None:
    assert started(plane, "web-1", "--latency-ms", "400", "--latency-jitter", "0") == ""
    plane.route("web", {"web-1": 100}, {})
    uri = plane.service_uri("web")
    (row,) = plane.snapshot()["processes"]
    answers: list[Any] = []
    client = threading.Thread(target=lambda: answers.append(get(uri)))
    client.start()
    wait_until(lambda: has_connection(row["port"]))
    plane.stop_revision("web", "web-1")
    client.join()
    assert answers == [{"revision": "web-1", "version": "1"}]
    wait_until(lambda: not is_alive(row["pid"]))
    assert plane.snapshot()["processes"] == []


def has_connection(port: int) -> bool:
    """Somebody is connected to the port of loopback."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_a_container_that_dies_later_is_replaced(plane: LocalDataPlane) -> None:
    assert started(plane, "web-1") == ""
    plane.route("web", {"web-1": 100}, {})
    uri = plane.service_uri("web")
    plane.kill_revision("web", "web-1")
    wait_until(lambda: [one["restarts"] for one in plane.snapshot()["processes"]] == [1])
    assert get(uri) == {"revision": "web-1", "version": "1"}  # waited for it
    (row,) = plane.snapshot()["processes"]
    assert row["state"] == "ready"
    assert plane.snapshot()["unserved"] == 0


def test_a_release_can_turn_bad_while_it_runs(plane: LocalDataPlane) -> None:
    assert started(plane, "web-1") == ""
    plane.route("web", {"web-1": 100}, {"canary": "web-1"})
    assert get(plane.tag_uri("web", "canary") + "/control", {"error_rate": 1})["error_rate"] == 1
    with pytest.raises(urllib.request.HTTPError) as refused:
        get(plane.service_uri("web"))
    assert refused.value.code == 500
    refused.value.close()
    with pytest.raises(urllib.request.HTTPError) as invalid:
        get(plane.tag_uri("web", "canary") + "/control", {"error_rate": "much"})
    assert invalid.value.code == 400
    invalid.value.close()


ORPHANS = """
import json, sys, threading
from pathlib import Path
from scripts.local_cloud.data_plane.plane import LocalDataPlane
plane = LocalDataPlane(Path(sys.argv[1]))
plane.start()
ready = threading.Event()
command = ["{python}", "-m", "scripts.local_cloud.data_plane.sample_app"]
plane.start_revision("web", "web-1", command, {}, ready.set, print)
assert ready.wait(10)
print(json.dumps([plane._splitter.pid, plane.snapshot()["processes"][0]["pid"]]), flush=True)
threading.Event().wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_everything_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ORPHANS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY) as parent:
        assert parent.stdout is not None
        pids = json.loads(parent.stdout.readline())
        assert all(is_alive(pid) for pid in pids)
        parent.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), seconds=3)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    processes: list[subprocess.Popen[bytes]] = []

    def ask() -> None:
        processes.append(child.spawn(["sleep", "60"], environment=os.environ, log=tmp_path / "log"))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    (process,) = processes
    wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text().strip() == "sleep")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    assert child.stop(process) == -signal.SIGTERM


def test_a_child_that_ignores_sigterm_is_killed_with_its_group(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "trap '' TERM; sleep 60 & echo $!; wait; wait"
    process = child.spawn(["sh", "-c", script], environment=os.environ, log=log)
    wait_until(lambda: log.read_text().strip().isdigit())
    grandchild = int(log.read_text())
    assert child.stop(process, grace_seconds=0.2) == -signal.SIGKILL
    wait_until(lambda: not is_alive(grandchild), seconds=3)


def test_a_refused_question_says_why_and_a_lost_child_is_noticed(tmp_path: Path) -> None:
    conversation = Conversation("scripts.local_cloud.data_plane.splitter", ["1"], log=tmp_path / "log")
    try:
        with pytest.raises(ConversationEnded, match="unknown question 'what'"):
            conversation.ask({"ask": "what"})
        os.kill(conversation.pid, signal.SIGKILL)
        with pytest.raises(ConversationEnded, match="is gone"):
            conversation.ask({"ask": "state"})
    finally:
        conversation.close()
