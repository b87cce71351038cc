"""A rollout seen from outside: what the record on the service, the splitter and the ledger say."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import pytest

from scripts.explanation.ledger import Bucket
from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.settings import FAST_STRATEGY, LEDGER_BUCKET, SERVICE
from scripts.local_cloud.topology import KEPT
from shared.adapters.cloud_run import CloudRun
from shared.events import announcement
from shared.events.message import Message
from shared.rollout import codec
from shared.rollout.announcement import Announcement
from shared.rollout.commands import Verb
from shared.rollout.names import Phase
from shared.rollout.record import Record

PATIENCE_SECONDS = 150.0
LOOK_SECONDS = 0.05
CALM = {**FAST_STRATEGY, "prepare_deadline_seconds": 120, "verify_deadline_seconds": 60, "step_deadline_seconds": 180}


class Watcher:
    """A context manager, with a line of its own to Cloud Run, which nothing breaks."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self._run = CloudRun(PROJECT, REGION, cloud.run_endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run.close()

    def record(self) -> Record:
        text = self._run.get(SERVICE).record
        return codec.decode(text) if text else Record(service=SERVICE)

    def until(self, true: Callable[[Record], bool], what: str) -> Record:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true(found := self.record()):
            assert time.monotonic() < deadline, f"{what}: not yet; {found.rollout}"
            time.sleep(LOOK_SECONDS)
        return found

    def until_it_ends(self, digest: str, phase: Phase) -> Record:
        """The release's rollout has ended so."""
        found = self.until(ended(digest), f"{digest} ends {phase}")
        assert found.rollout is not None
        assert found.rollout.phase is phase, found.rollout
        return found

    def promote_first(self, digest: str) -> None:
        self.until(lambda row: row.rollout is not None and row.rollout.phase is Phase.BAKING, "the first release bakes")
        self.cloud.command(Verb.PROMOTE, service=SERVICE, by="amina@example.org", why="a start")
        self.until(ended(digest), "the first release is promoted")

    def until_all_is_told(self) -> Record:
        """Nothing waits to be published or delivered."""
        calm = self.until(lambda row: not row.outbox, "everything is told")
        self.until(lambda _: backlog(self.cloud, "notify") == 0, "notify has heard everything")
        return calm


def ended(digest: str) -> Callable[[Record], bool]:
    return lambda row: row.rollout is not None and row.rollout.release.digest == digest and not row.active


def told(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> list[Announcement]:
    """The ledger's announcements, in its order."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", cloud.endpoints()["storage"])
    ledger = Bucket(LEDGER_BUCKET)
    return [announced(ledger.read(key)) for key in ledger.keys("services/")]


def announced(data: bytes) -> Announcement:
    return announcement.parse(Message(id="", topic="", published_at=datetime.now(UTC), data=data, attributes={}))


def endings(news: list[Announcement]) -> list[str]:
    return [item.kind for item in news if item.kind in ("rollout.promoted", "rollout.rolled_back")]


def percents(cloud: LocalCloud) -> dict[str, int]:
    """What the splitter does."""
    found: dict[str, int] = cloud.data_plane.snapshot()["routes"][SERVICE]["percents"]
    return found


def subscriptions(cloud: LocalCloud) -> dict[str, Any]:
    """Every subscription's own report, by its short name."""
    return {row["name"].rpartition("/")[2]: row for row in cloud.snapshot()["pubsub"]["subscriptions"]}


def backlog(cloud: LocalCloud, subscription: str) -> int:
    return int(subscriptions(cloud)[subscription]["backlog"])


def given_up(cloud: LocalCloud) -> dict[str, int]:
    """The dead letters and what was rejected, by the subscription that keeps them."""
    found = subscriptions(cloud)
    return {name: found[name]["backlog"] for name in KEPT if found[name]["backlog"]}
