"""A release's files reach the bucket over the wire, the marker last; what is there is kept, and used again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from scripts.local_cloud.storage import FakeGcs
from scripts.upload_assets import CACHE, Differs, assets, upload
from shared.events.asset_listing import key_of, parse

SCRIPT = Path(__file__).parents[2] / "scripts" / "upload_assets.py"
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHUNK = "_next/static/chunks/main-1f.js"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeGcs]:
    running = FakeGcs()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def bucket(server: FakeGcs, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A new one for each test."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    name = f"assets-{abs(hash(request.node.name))}"
    server.make_bucket(name)
    return Client(project="local", credentials=AnonymousCredentials()).bucket(name)


def release(directory: Path, **files: str) -> Path:
    """A build's output with the chunk that every release here has, and those named."""
    for name, text in {CHUNK: "main", **files}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def test_every_file_is_there_as_browsers_need_it_and_the_marker_names_them(bucket: Bucket, tmp_path: Path) -> None:
    build = release(tmp_path, **{"_next/static/css/9c.css": "p {}", "_next/static/media/f.woff2": "font"})
    upload(bucket, list(assets(build)), NEW, NOW)
    found = bucket.get_blob(CHUNK)
    assert found is not None
    assert (found.content_type, found.cache_control, found.custom_time) == ("text/javascript", CACHE, NOW)
    assert parse(bucket.blob(key_of(NEW)).download_as_bytes(), NEW) == {
        CHUNK: 4,
        "_next/static/css/9c.css": 4,
        "_next/static/media/f.woff2": 4,
    }


def test_an_unchanged_chunk_lives_as_long_as_the_last_release_that_names_it(bucket: Bucket, tmp_path: Path) -> None:
    build = release(tmp_path)
    upload(bucket, list(assets(build)), OLD, NOW)
    first = bucket.get_blob(CHUNK)
    later = NOW + timedelta(days=200)
    upload(bucket, list(assets(build)), NEW, later)
    second = bucket.get_blob(CHUNK)
    assert first is not None
    assert second is not None
    assert second.custom_time == later
    assert second.generation == first.generation
    upload(bucket, list(assets(build)), OLD, NOW)
    third = bucket.get_blob(CHUNK)
    assert third is not None
    assert third.custom_time == later


def test_a_file_of_another_content_is_refused_and_no_marker_is_written(bucket: Bucket, tmp_path: Path) -> None:
    upload(bucket, list(assets(release(tmp_path / "old"))), OLD, NOW)
    with pytest.raises(Differs, match=CHUNK):
        upload(bucket, list(assets(release(tmp_path / "new", **{CHUNK: "another"}))), NEW, NOW)
    assert bucket.blob(CHUNK).download_as_bytes() == b"main"
    assert not bucket.blob(key_of(NEW)).exists()


def test_the_command_says_what_it_did_and_a_second_run_does_nothing_again(bucket: Bucket, tmp_path: Path) -> None:
    build = release(tmp_path / "build")
    first, second = run(str(build), bucket.name, NEW), run(str(build), bucket.name, NEW)
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.splitlines() == [
        "1 files, 4 bytes: 1 uploaded, 0 there already.",
        f"gs://{bucket.name}/{key_of(NEW)}",
    ]
    assert "0 uploaded, 1 there already" in second.stdout


@pytest.mark.parametrize(("digest", "problem"), [("latest", 'must be "sha256:"'), (NEW, "holds no file")])
def test_what_cannot_be_a_release_is_refused(tmp_path: Path, digest: str, problem: str) -> None:
    done = run(str(tmp_path), "unused", digest)
    assert done.returncode == 2
    assert problem in done.stderr


def test_a_file_that_nobody_serves_is_refused(tmp_path: Path) -> None:
    done = run(str(release(tmp_path, **{"index.html": "page"})), "unused", NEW)
    assert done.returncode == 2
    assert "index.html: is served by nobody; names must begin with _next/static/" in done.stderr


def test_the_command_fails_where_a_file_would_be_overwritten(bucket: Bucket, tmp_path: Path) -> None:
    upload(bucket, list(assets(release(tmp_path / "old"))), OLD, NOW)
    done = run(str(release(tmp_path / "new", **{CHUNK: "another"})), bucket.name, NEW)
    assert done.returncode == 1
    assert done.stderr == f"{CHUNK}: is there with another content, and may be in use; nothing was overwritten\n"


def run(directory: str, bucket: str, digest: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), directory, "--bucket", bucket, "--digest", digest]
    return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=60)
