"""Rollouts on the local cloud while every line between the functions and Google breaks and functions are killed.

The real client libraries, the packaged functions and real requests; the faults come from a seed, their moments do not.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.explanation.ledger import Bucket
from scripts.local_cloud.cloud import LocalCloud, sample
from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.settings import FAST_STRATEGY, LEDGER_BUCKET, SERVICE, Settings
from shared.adapters.cloud_run import CloudRun
from shared.events import announcement
from shared.events.message import Message
from shared.rollout import codec
from shared.rollout.announcement import Announcement
from shared.rollout.commands import Verb
from shared.rollout.names import Phase
from shared.rollout.record import Record
from tests.chaos.bad_line import BadLine

SEED = 4
KILLED = ("canary_deploy", "health_verify", "traffic_shift", "auto_rollback", "notify", "rollout_command")
PATIENCE_SECONDS = 150.0
LOOK_SECONDS = 0.05
CALM = {**FAST_STRATEGY, "prepare_deadline_seconds": 120, "verify_deadline_seconds": 60, "step_deadline_seconds": 180}


class StormyCloud(LocalCloud):
    """Its functions reach Google's services over bad lines; everybody else over good ones."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        super().__init__(directory, settings)
        self.lines: dict[str, BadLine] = {}
        self._storm = ExitStack()

    def function_environment(self) -> dict[str, str]:
        environment = super().function_environment()
        for seed, name in enumerate(
            ("PUBSUB_EMULATOR_HOST", "RUN_ENDPOINT", "MONITORING_ENDPOINT", "STORAGE_EMULATOR_HOST")
        ):
            scheme, _, target = environment[name].rpartition("://")
            if name not in self.lines:
                line = self.lines[name] = BadLine(target, SEED + seed)
                line.start()
                self._storm.callback(line.stop)
            environment[name] = f"{scheme}://{self.lines[name].address}" if scheme else self.lines[name].address
        return environment

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[arg-type]
        self._storm.close()

    def weather(self, *, bad: bool) -> None:
        for line in self.lines.values():
            line.bad = bad


class Killer:
    """Kills one function after the other, each where it stands, until it is told to stop."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.kills = 0
        self._cloud = cloud
        self._random = random.Random(SEED)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._random.uniform(0.2, 1.5)):
            self._cloud.functions.crash(self._random.choice(KILLED))
            self.kills += 1


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[StormyCloud]:
    with StormyCloud(tmp_path / "cloud", Settings(strategy=CALM)) as running:
        yield running


def told(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> list[Announcement]:
    """The ledger's announcements, in its order."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", cloud.endpoints()["storage"])
    ledger = Bucket(LEDGER_BUCKET)
    rows = [ledger.read(key) for key in ledger.keys("services/")]
    return [
        announcement.parse(Message(id="", topic="", published_at=datetime.now(UTC), data=row, attributes={}))
        for row in rows
    ]


@pytest.mark.timeout(600)
def test_rollouts_end_as_they_should_whatever_breaks_between_the_functions_and_google(
    cloud: StormyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CloudRun(PROJECT, REGION, cloud.run_endpoint)
    killer = Killer(cloud)

    def record() -> Record:
        text = run.get(SERVICE).record
        return codec.decode(text) if text else Record(service=SERVICE)

    def until(true: Callable[[Record], bool], what: str) -> Record:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true(found := record()):
            assert time.monotonic() < deadline, f"{what}: not yet; {found.rollout}"
            time.sleep(LOOK_SECONDS)
        return found

    def ended(digest: str) -> Callable[[Record], bool]:
        return lambda row: row.rollout is not None and row.rollout.release.digest == digest and not row.active

    try:
        first = cloud.push("v1", sample("--version", "v1"))
        until(lambda row: row.rollout is not None and row.rollout.phase is Phase.BAKING, "the first release bakes")
        cloud.command(Verb.PROMOTE, service=SERVICE, by="amina@example.org", why="a start")
        until(ended(first), "the first release is promoted")
        traffic = cloud.drive_traffic(requests_per_second=60, web_sockets=5)
        cloud.weather(bad=True)
        killer.start()

        good = cloud.push("v2", sample("--version", "v2"))
        promoted = until(ended(good), "the good release ends")
        assert promoted.rollout is not None
        assert promoted.rollout.phase is Phase.PROMOTED, promoted.rollout
        bad = cloud.push("v3", sample("--version", "v3", "--error-rate", "0.4"))
        back = until(ended(bad), "the bad release ends")
        assert back.rollout is not None
        assert back.rollout.phase is Phase.ROLLED_BACK, back.rollout
        assert back.is_known_bad(bad)
        assert back.stable == promoted.stable

        killer.stop()
        cloud.weather(bad=False)
        calm = until(lambda row: not row.outbox, "everything is told")
        seen = traffic.snapshot()
    finally:
        killer.stop()
        cloud.weather(bad=False)
        run.close()
    assert killer.kills >= 5
    assert sum(line.broken for line in cloud.lines.values()) >= 20
    assert run_percents(cloud) == {promoted.stable: 100}
    assert seen["dropped"] == 0
    assert seen["websockets"]["unexpected_closes"] == 0
    news = told(cloud, monkeypatch)
    assert [item.kind for item in news if item.kind in ("rollout.promoted", "rollout.rolled_back")] == [
        "rollout.promoted",
        "rollout.promoted",
        "rollout.rolled_back",
    ]
    assert len({item.key for item in news}) == len(news)
    assert max(int(item.key.partition("/")[2][:6]) for item in news) <= calm.sequence


def run_percents(cloud: LocalCloud) -> dict[str, int]:
    """What the splitter does."""
    percents: dict[str, int] = cloud.data_plane.snapshot()["routes"][SERVICE]["percents"]
    return percents
