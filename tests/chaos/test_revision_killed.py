"""Rollouts on the local cloud while the processes that serve users are killed where they stand, under load.

A request in flight in a process that is killed dies with it: Cloud Run answers it 503, and nobody can help. Every other
request is answered by a process, if need be by the next one, for which it waits.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.settings import SERVICE, Settings, sample
from shared.rollout.names import Phase
from shared.rollout.record import Record
from tests.chaos import rollouts
from tests.chaos.rollouts import CALM, Watcher
from tests.local_cloud.waiting import wait_until

PATIENCE_SECONDS = 60.0
WEB_SOCKETS = 2
ENOUGH = 60  # requests that a canary answered before it dies once
SLOW = ("--latency-ms", "50", "--latency-jitter", "0")  # so that there is always something in flight


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path / "cloud", Settings(strategy=CALM)) as running:
        yield running


def process(cloud: LocalCloud, revision: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = cloud.data_plane.snapshot()["processes"]
    return next(row for row in rows if row["revision"] == revision)


def kill(cloud: LocalCloud, revision: str) -> None:
    """Returns when another process has taken its place."""
    restarts = process(cloud, revision)["restarts"]
    cloud.data_plane.kill_revision(SERVICE, revision)

    def is_back() -> bool:
        row = process(cloud, revision)
        return bool(row["restarts"] > restarts and row["state"] == "ready")

    wait_until(is_back, seconds=PATIENCE_SECONDS, shown=lambda: process(cloud, revision))


class Killer:
    """A context manager: inside, a revision's process is killed as soon as it is there again."""

    def __init__(self, cloud: LocalCloud, revision: str) -> None:
        self.kills = 0
        self._cloud = cloud
        self._revision = revision
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            kill(self._cloud, self._revision)
            self.kills += 1


def canary_on_trial(watcher: Watcher, digest: str) -> str:
    """Its name, once it has a share of the traffic."""

    def on_trial(row: Record) -> bool:
        active = row.active
        if active is None or active.release.digest != digest or active.phase is not Phase.PROGRESSING:
            return False
        return rollouts.percents(watcher.cloud).get(active.canary, 0) > 0

    found = watcher.until(on_trial, "the canary has traffic")
    assert found.rollout is not None
    return found.rollout.canary


@pytest.mark.timeout(600)
def test_what_was_not_in_flight_in_a_killed_process_is_answered_and_rollouts_end_as_they_should(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Watcher(cloud) as watcher:
        watcher.promote_first(cloud.push("v1", sample("--version", "v1", *SLOW)))
        stable = watcher.record().stable
        traffic = cloud.drive_traffic(requests_per_second=60, web_sockets=WEB_SOCKETS)
        good = cloud.push("v2", sample("--version", "v2", *SLOW))
        canary = canary_on_trial(watcher, good)
        kill(cloud, stable)
        wait_until(lambda: answered(cloud, canary) >= ENOUGH, seconds=PATIENCE_SECONDS)
        assert watcher.record().active
        kill(cloud, canary)
        watcher.until_it_ends(good, Phase.PROMOTED)  # dying once is no reason to go back
        once = cloud.data_plane.snapshot()
        assert restarts(cloud) == {stable: 1, canary: 1}
        assert once["unserved"] == 0
        assert once["dropped"] >= 1  # stable's sockets at least
        assert failed(once) == once["dropped"]

        bad = cloud.push("v3", sample("--version", "v3", *SLOW))
        crashing = canary_on_trial(watcher, bad)
        with Killer(cloud, crashing) as killer:
            back = watcher.until_it_ends(bad, Phase.ROLLED_BACK)
        watcher.until_all_is_told()
    seen, end = traffic.stop(), cloud.data_plane.snapshot()
    assert killer.kills >= 1
    assert restarts(cloud) == {stable: 1, canary: 1, crashing: killer.kills}
    assert back.is_known_bad(bad)
    assert back.stable == canary
    assert rollouts.percents(cloud) == {canary: 100}
    # Only the release that crashes all the time fails anybody now: those in flight in it, and those who wait in vain.
    assert failed(end) - failed(once) == end["requests"][SERVICE][crashing].get("5xx", 0)
    assert failed(end) <= end["dropped"] <= failed(end) + end["unserved"]  # who was refused counts as both
    assert seen["dropped"] == 0
    assert seen["sent"] == seen["ok"] + seen["errors"]
    assert set(seen["revisions"].pop("", {"errors": {}})["errors"]) <= {"503"}
    assert all(not by_revision["errors"] for by_revision in seen["revisions"].values())
    sockets = seen["websockets"]
    assert end["dropped"] == seen["errors"] + sockets["asked_to_reconnect"] + sockets["refused"]
    assert sockets["unexpected_closes"] == 0
    news = rollouts.told(cloud, monkeypatch)
    assert rollouts.endings(news) == ["rollout.promoted", "rollout.promoted", "rollout.rolled_back"]
    assert rollouts.given_up(cloud) == {}


def answered(cloud: LocalCloud, revision: str) -> int:
    counts = cloud.data_plane.snapshot()["requests"].get(SERVICE, {}).get(revision, {})
    return int(counts.get("2xx", 0))


def failed(snapshot: dict[str, Any]) -> int:
    """Requests and sockets that died with the process that had them."""
    return sum(counts.get("5xx", 0) for counts in snapshot["requests"][SERVICE].values())


def restarts(cloud: LocalCloud) -> dict[str, int]:
    rows = cloud.data_plane.snapshot()["processes"]
    return {row["revision"]: row["restarts"] for row in rows if row["restarts"]}
