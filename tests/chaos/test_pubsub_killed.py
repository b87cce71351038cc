"""Rollouts on the local cloud while the Pub/Sub server is killed where it stands and started again."""

import base64
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.leaks import leaks
from scripts.local_cloud.processes.conversation import ConversationEnded
from scripts.local_cloud.pubsub.journal import entries, remains
from scripts.local_cloud.pubsub.process import PubSubProcess
from scripts.local_cloud.settings import Settings, sample
from scripts.local_cloud.topology import ROUTES, subscription_path, topic_path
from shared.rollout.names import Phase
from tests.chaos import rollouts
from tests.chaos.rollouts import CALM, Watcher

SEED = 4
WORK_BYTES = (1_000, 20_000)  # written to its journal between a start and the next kill
KILLS = 6  # in one rollout: a server that is down most of the time on a slow machine lets no verdict come in time
RESTART_SECONDS_MAX = 180
WHOLE = [subscription_path(route.subscription) for route in ROUTES if not route.accepts]  # of every message
ROLLOUT_EVENTS = topic_path("rollout-events")


class ForgetfulCloud(LocalCloud):
    """On a Pub/Sub of its own process, which can be killed."""

    def message_service(self, token_key: bytes) -> PubSubProcess:
        self.server = PubSubProcess(self.directory, token_key)
        return self.server


class Killer:
    """A context manager: inside, the server is killed KILLS times, each time after some work of its own."""

    def __init__(self, server: PubSubProcess) -> None:
        self.kills = 0
        self.owed = 0  # messages that functions had not acked, at all kills together
        self._server = server
        self._random = random.Random(SEED)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._problem: ConversationEnded | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Raises what ended it early: a server that did not come back is why nothing went on."""
        self._stopping.set()
        self._thread.join(RESTART_SECONDS_MAX)
        assert not self._thread.is_alive(), (
            f"the {self.kills + 1}th restart of Pub/Sub takes more than {RESTART_SECONDS_MAX} s"
        )
        assert self._problem is None, f"Pub/Sub did not come back after kill {self.kills + 1}: {self._problem}"

    def _run(self) -> None:
        try:
            self._kill_again_and_again()
        except ConversationEnded as problem:
            self._problem = problem

    def _kill_again_and_again(self) -> None:
        while self.kills < KILLS and not self._stopping.is_set():
            enough = self._server.journal.stat().st_size + self._random.randint(*WORK_BYTES)
            while self._server.journal.stat().st_size < enough and not self._stopping.wait(0.01):
                pass
            self._server.kill()
            left = remains(self._server.journal)
            self.owed += sum(len(left.owed[name]) for name in WHOLE)
            self._server.start()
            self.kills += 1


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[ForgetfulCloud]:
    with ForgetfulCloud(tmp_path / "cloud", Settings(strategy=CALM)) as running:
        yield running


@pytest.mark.timeout(600)
def test_rollouts_end_as_they_should_and_nothing_published_is_lost(
    cloud: ForgetfulCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Watcher(cloud) as watcher:
        watcher.promote_first(cloud.push("v1", sample("--version", "v1")))
        traffic = cloud.drive_traffic(requests_per_second=60, web_sockets=5)
        with Killer(cloud.server) as in_good:
            good = cloud.push("v2", sample("--version", "v2"))
            promoted = watcher.until_it_ends(good, Phase.PROMOTED)
        with Killer(cloud.server) as in_bad:
            bad = cloud.push("v3", sample("--version", "v3", "--error-rate", "0.4"))
            back = watcher.until_it_ends(bad, Phase.ROLLED_BACK)
        watcher.until_all_is_told()
    seen = traffic.snapshot()
    news = rollouts.told(cloud, monkeypatch)
    published = announcements(cloud.server.journal)
    assert in_good.kills + in_bad.kills >= KILLS
    assert in_good.owed + in_bad.owed >= 1  # functions heard of something twice
    assert back.is_known_bad(bad)
    assert back.stable == promoted.stable
    assert rollouts.percents(cloud) == {promoted.stable: 100}
    assert (seen["dropped"], seen["websockets"]["unexpected_closes"]) == (0, 0)
    assert "" not in seen["revisions"]
    assert rollouts.given_up(cloud) == {}
    assert rollouts.endings(news) == ["rollout.promoted", "rollout.promoted", "rollout.rolled_back"]
    assert published == {item.key for item in news}
    assert len({item.key for item in news}) == len(news)
    assert leaks(cloud.directory, (cloud.token_key,)) == []


def announcements(journal: Path) -> set[str]:
    """Keys of all that was ever published to rollout-events."""
    messages = [
        message
        for entry in entries(journal)
        if entry.get("published") == ROLLOUT_EVENTS
        for message in entry["messages"]
    ]
    return {rollouts.announced(base64.b64decode(message["data"])).key for message in messages}
