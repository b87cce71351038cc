"""Two releases of the frontend behind one address, shared by request as Cloud Run shares them without affinity."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from scripts.local_cloud.assembly import started
from scripts.local_cloud.assets import AssetsBucket
from scripts.local_cloud.data_plane.front_door import FrontDoor
from scripts.local_cloud.data_plane.plane import LocalDataPlane
from scripts.local_cloud.storage import FakeGcs
from tests.e2e.builds import Build
from tests.tools import required

STABLE, CANARY = "frontend-00001-one", "frontend-00002-two"
BUCKET = "assets"
START_SECONDS_MAX = 60.0


class Split(NamedTuple):
    """without, with_store: the same services behind two load balancers, of which one has the assets bucket."""

    plane: LocalDataPlane
    without: str
    with_store: str

    def share(self, percent: int) -> None:
        """Of the canary."""
        self.plane.route("frontend", {STABLE: 100 - percent, CANARY: percent}, {"canary": CANARY})


@contextmanager
def served(builds: tuple[Build, Build], backend: Path, work: Path) -> Iterator[Split]:
    with ExitStack() as parts:
        storage = started(parts, FakeGcs(BUCKET, log=work / "storage.log"))
        assets = AssetsBucket(storage.url, BUCKET)
        parts.callback(assets.close)
        for build in builds:
            assets.upload(build.files)
        plane = started(parts, LocalDataPlane(work / "revisions", startup_deadline_seconds=START_SECONDS_MAX))
        for revision, build in zip((STABLE, CANARY), builds, strict=True):
            _started(plane, "frontend", revision, build.command)
        node = required("node", shutil.which("node"))
        chat = ("/usr/bin/env", "HOST=127.0.0.1", "LOG_LEVEL=warn", node, str(backend / "src" / "server.js"))
        _started(plane, "backend", "backend-00001-one", chat)
        plane.route("backend", {"backend-00001-one": 100}, {})
        services = {"/*": plane.service_uri("frontend"), "/rooms/*": plane.service_uri("backend")}
        static = {"/_next/static/*": BUCKET}
        without = started(parts, FrontDoor(services, {}, log=work / "without.log"))
        stored = started(parts, FrontDoor(services, static, storage_url=storage.url, log=work / "with.log"))
        yield Split(plane, without.uri, stored.uri)


def _started(plane: LocalDataPlane, service: str, revision: str, command: tuple[str, ...]) -> None:
    ready = threading.Event()
    failed: list[str] = []

    def fail(why: str) -> None:
        failed.append(why)
        ready.set()

    plane.start_revision(service, revision, command, {}, ready.set, fail)
    assert ready.wait(2 * START_SECONDS_MAX), f"{revision} did not start"
    assert not failed, failed
