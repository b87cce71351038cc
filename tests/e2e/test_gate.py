"""The packaged functions at the gate: what a release lacks is named, and what comes late lets it in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.explanation.ledger import Bucket
from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.registry import digest_of
from scripts.local_cloud.settings import ATTESTATION_NOTE, LEDGER_BUCKET, REPOSITORY, Settings, sample
from shared.events import announcement
from shared.events.message import Message
from tests.local_cloud.waiting import wait_until

FILES = {"_next/static/chunks/0a1b.js": b"chat()", "_next/static/css/9f.css": b"b{}"}
PATIENCE_SECONDS = 120.0
ASKED = {"attestation": "require", "severity_max": "high"}

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path / "cloud", Settings(assets=True, supply=ASKED)) as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.endpoints()["storage"])
        yield running


def told(digest: str) -> list[str]:
    """The ledger's announcements about a release, "kind: text", in its order."""
    ledger = Bucket(LEDGER_BUCKET)
    rows = (
        announcement.parse(
            Message(id="", topic="", published_at=datetime.now(UTC), data=ledger.read(key), attributes={})
        )
        for key in ledger.keys("services/")
    )
    return [f"{one.kind}: {one.text}" for one in rows if one.details.get("digest") == digest]


def until(digest: str, words: str) -> None:
    wait_until(
        lambda: any(words in line for line in told(digest)), seconds=PATIENCE_SECONDS, shown=lambda: told(digest)
    )


def push(cloud: LocalCloud, tag: str, files: dict[str, bytes] | None = None) -> str:
    return cloud.push(tag, sample("--version", tag), files=files)


def passes(cloud: LocalCloud, tag: str) -> None:
    """As the registry's scan and the pipeline leave an image."""
    reference = f"{REPOSITORY}@{digest_of(sample('--version', tag))}"
    cloud.container_analysis.scanned(reference)
    cloud.container_analysis.attest(reference, ATTESTATION_NOTE, PROJECT)


def test_a_release_waits_for_what_it_lacks_and_is_refused_for_what_is_wrong_with_it(cloud: LocalCloud) -> None:
    first = push(cloud, "v1")
    until(first, f"deploy.waiting: {first[7:14]} waits: its files are not in the assets bucket: there is no gs://")
    cloud.assets.upload(FILES)
    cloud.assets.list_release(first, FILES)
    passes(cloud, "v1")
    until(first, "rollout.promoted")

    passes(cloud, "v2")
    cut = {**FILES, "_next/static/chunks/7c.js": b"never uploaded"}
    cloud.assets.list_release(digest_of(sample("--version", "v2")), cut)
    second = push(cloud, "v2")
    until(second, f"deploy.refused: {second[7:14]} is refused: its file _next/static/chunks/7c.js is missing of 3")

    reference = f"{REPOSITORY}@{digest_of(sample('--version', 'v3'))}"
    known = {"id": "CVE-2026-1", "effectiveSeverity": "CRITICAL", "fixAvailable": True}
    cloud.container_analysis.scanned(reference, known)
    third = push(cloud, "v3", FILES)
    until(third, f"deploy.refused: {third[7:14]} is refused: it has CVE-2026-1 (critical, a fix exists).")

    fourth = push(cloud, "v4", FILES)
    until(fourth, f"deploy.waiting: {fourth[7:14]} waits: nothing attests that our pipeline built it")
    passes(cloud, "v4")
    until(fourth, "rollout.started")
