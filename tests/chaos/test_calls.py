"""Rollouts on the local cloud while calls to Google are refused, answered late, or lost, and functions die in them.

The real client libraries, the packaged functions and real requests; each fault strikes in a call, not by chance.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from scripts.local_cloud.assembly import started
from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.gapic.http_gate import HttpGate
from scripts.local_cloud.gapic.wire import Call
from scripts.local_cloud.leaks import leaks
from scripts.local_cloud.settings import SERVICE, Settings, sample
from shared.rollout.commands import Verb
from shared.rollout.names import Phase
from tests.chaos import rollouts
from tests.chaos.bad_line import BadLine
from tests.chaos.rollouts import CALM, Watcher
from tests.chaos.spoiling import READS, SPOILED, WRITES, Fault, Spoiler
from tests.local_cloud.waiting import wait_until

SEED = 4
KILLED_IN = {
    "image_pushed": "publish",
    "build_finished": "publish",
    "canary_deploy": "update_service",
    "health_verify": "publish",
    "traffic_shift": "update_service",
    "auto_rollback": "update_service",
    "rollout_command": "update_service",
    "notify": "post",
}


class SpoiledCloud(LocalCloud):
    """Each function reaches Google over lines of its own, which tell the spoiler who calls; nobody else is spoiled."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        super().__init__(directory, settings, intercept=self._intercept)
        self.spoiler = Spoiler(SEED, KILLED_IN.items(), self._kill)
        self.published: set[str] = set()  # keys of announcements that Pub/Sub took
        self._gate: HttpGate | None = None
        self._lines: dict[str, list[BadLine]] = {}
        self._revivals: list[threading.Thread] = []
        self._held = ExitStack()

    def own_environment(self, function: str) -> dict[str, str]:
        if self._gate is None:
            self._gate = started(
                self._held, HttpGate(self.endpoints_of_google()["STORAGE_EMULATOR_HOST"], self._intercept)
            )
        targets = {**self.endpoints_of_google(), "STORAGE_EMULATOR_HOST": self._gate.url}
        if function not in self._lines:
            lines = [BadLine(target.rpartition("//")[2]) for target in targets.values()]
            self._lines[function] = [started(self._held, line) for line in lines]
        own = dict(zip(targets, (line.address for line in self._lines[function]), strict=True))
        return own | {"STORAGE_EMULATOR_HOST": f"http://{own['STORAGE_EMULATOR_HOST']}"}

    def endpoints_of_google(self) -> dict[str, str]:
        wanted = ("PUBSUB_EMULATOR_HOST", "RUN_ENDPOINT", "MONITORING_ENDPOINT", "STORAGE_EMULATOR_HOST")
        environment = self.function_environment()
        return {name: environment[name] for name in wanted}

    def __exit__(self, *error: object) -> None:
        self.settle()
        super().__exit__(*error)  # type: ignore[arg-type]
        self._held.close()

    def settle(self) -> None:
        """Every killed function has a new process."""
        while self._revivals:
            self._revivals.pop().join()

    def _kill(self, function: str) -> None:
        self.functions.kill(function)

        def revive() -> None:
            self.functions.revive(function)
            self.spoiler.revived(function)

        revival = threading.Thread(target=revive)
        self._revivals.append(revival)
        revival.start()

    def _intercept(self, call: Call, answer: Callable[[], Any]) -> Any:
        function = next((name for name, lines in list(self._lines.items()) if _is_from(call, lines)), None)
        if function is None:
            return answer()

        def counted() -> Any:
            answered = answer()
            if call.method == "publish" and call.request.topic.endswith("/rollout-events"):
                self.published |= {rollouts.announced(message.data).key for message in call.request.messages}
            return answered

        return self.spoiler.spoil(function, call, counted)


def _is_from(call: Call, lines: list[BadLine]) -> bool:
    return any(call.peer_port in line.ports for line in lines)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[SpoiledCloud]:
    with SpoiledCloud(tmp_path / "cloud", Settings(strategy=CALM)) as running:
        yield running


@pytest.mark.timeout(900)
def test_rollouts_end_as_they_should_whatever_becomes_of_calls_and_whoever_dies_in_one(
    cloud: SpoiledCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoiler = cloud.spoiler
    with Watcher(cloud) as watcher:
        watcher.promote_first(cloud.push("v1", sample("--version", "v1")))
        traffic = cloud.drive_traffic(requests_per_second=60, web_sockets=5)
        spoiler.begin()
        cloud.publish(
            "cloud-builds",
            json.dumps({"id": "b-7", "status": "FAILURE", "finishTime": "2026-11-23T10:01:30Z"}).encode(),
            {},
        )
        good = cloud.push("v2", sample("--version", "v2"))
        promoted = watcher.until_it_ends(good, Phase.PROMOTED)
        cloud.command(Verb.FREEZE, service=SERVICE, by="amina@example.org", why="a football match")
        watcher.until(lambda row: bool(row.frozen), "the service is frozen")
        cloud.command(Verb.UNFREEZE, service=SERVICE, by="amina@example.org", why="it is over")
        watcher.until(lambda row: not row.frozen, "it is no longer")
        bad = cloud.push("v3", sample("--version", "v3", "--error-rate", "0.4"))
        back = watcher.until_it_ends(bad, Phase.ROLLED_BACK)
        wait_until(lambda: not spoiler.left, seconds=rollouts.PATIENCE_SECONDS, shown=lambda: spoiler.left)
        cloud.settle()
        watcher.until_all_is_told()
    seen = traffic.snapshot()
    news = rollouts.told(cloud, monkeypatch)
    assert spoiler.done == expected_faults()
    assert spoiler.not_in_mid_turn == []
    assert len(spoiler.too_late) == 1
    assert "Conflict for resource 'web'" in spoiler.too_late[0]
    assert back.is_known_bad(bad)
    assert back.stable == promoted.stable
    assert rollouts.percents(cloud) == {promoted.stable: 100}
    assert seen["dropped"] == 0
    assert "" not in seen["revisions"]
    assert seen["websockets"]["unexpected_closes"] == 0
    assert rollouts.given_up(cloud) == {}
    assert rollouts.endings(news) == ["rollout.promoted", "rollout.promoted", "rollout.rolled_back"]
    assert len({item.key for item in news}) == len(news)
    assert leaks(cloud.directory, (cloud.token_key,)) == []
    assert cloud.published == {item.key for item in news}


def expected_faults() -> dict[tuple[str, Fault], int]:
    assert {*READS, *WRITES} | {Fault.KILLED_BEFORE, Fault.KILLED_AFTER} == set(Fault)
    spoiled = {(method, fault): 1 for method, faults in SPOILED.items() for fault in faults}
    killed = {(function, fault): 1 for function in KILLED_IN for fault in (Fault.KILLED_BEFORE, Fault.KILLED_AFTER)}
    return spoiled | killed
