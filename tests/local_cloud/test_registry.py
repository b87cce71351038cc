"""Pushes are announced as Artifact Registry announces them, and the functions' own parser reads them."""

from datetime import UTC, datetime

import pytest

from scripts.local_cloud.registry import Registry
from shared.events import image_push
from shared.events.message import Message
from tests.local_cloud.recording import RecordingPublisher

REPOSITORY = "africa-south1-docker.pkg.dev/pushnchat-local/apps/web"
COMMAND = ("{python}", "-m", "app")


@pytest.fixture
def publisher() -> RecordingPublisher:
    return RecordingPublisher()


def read(publisher: RecordingPublisher) -> list[image_push.ImagePushed]:
    return [
        image_push.parse(Message(id=str(n), topic=topic, published_at=datetime.now(UTC), data=data, attributes={}))
        for n, (topic, data, _attributes) in enumerate(publisher.published)
    ]


def test_a_push_is_told_by_digest_and_by_tag(publisher: RecordingPublisher) -> None:
    digest = Registry(publisher).push(REPOSITORY, "v1", COMMAND)
    assert [topic for topic, *_ in publisher.published] == ["gcr", "gcr"]
    assert [(row.action, row.image, row.digest, row.tag) for row in read(publisher)] == [
        ("INSERT", REPOSITORY, digest, ""),
        ("INSERT", REPOSITORY, digest, "v1"),
    ]


def test_an_image_is_known_by_its_content(publisher: RecordingPublisher) -> None:
    registry = Registry(publisher)
    first, second = registry.push(REPOSITORY, "v1", COMMAND), registry.push(REPOSITORY, "v2", COMMAND)
    other = registry.push(REPOSITORY, "v1", (*COMMAND, "--bad"))
    assert first == second != other
    assert registry.command(f"{REPOSITORY}@{first}") == COMMAND
    assert registry.command(f"{REPOSITORY}:v1") == (*COMMAND, "--bad")
    assert registry.command(f"{REPOSITORY}:v9") is None
    assert registry.snapshot() == {
        f"{REPOSITORY}:v1": f"{REPOSITORY}@{other}",
        f"{REPOSITORY}:v2": f"{REPOSITORY}@{first}",
    }


def test_a_deleted_tag_is_told_and_its_image_stays(publisher: RecordingPublisher) -> None:
    registry = Registry(publisher)
    digest = registry.push(REPOSITORY, "v1", COMMAND)
    registry.delete_tag(REPOSITORY, "v1")
    assert (read(publisher)[-1].action, read(publisher)[-1].tag) == ("DELETE", "v1")
    assert registry.command(f"{REPOSITORY}:v1") is None
    assert registry.command(f"{REPOSITORY}@{digest}") == COMMAND
    with pytest.raises(KeyError):
        registry.delete_tag(REPOSITORY, "v1")
