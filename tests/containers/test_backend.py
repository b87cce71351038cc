"""The backend's container, on a real PostgreSQL."""

import json
from collections.abc import Iterator

import pytest
import requests

from scripts.local_cloud.sql.postgres import PostgreSQL
from tests.containers.subject import FIGURES, Container, Images, answers, ended_under_load, running, until_live
from tests.dockerfiles.load import OpenSocket

MESSAGE = {"author": "amina", "text": "habari", "key": "0123456789ab"}


@pytest.fixture(scope="module")
def url(database: PostgreSQL) -> str:
    database.query("CREATE DATABASE backend")
    return database.url("backend")


@pytest.fixture(scope="module")
def backend(images: Images, url: str) -> Iterator[Container]:
    with running(images.engine, images.of("backend"), {"DATABASE_URL": url, "K_REVISION": "backend-00007-abc"}) as one:
        until_live(one)
        yield one


def test_it_is_live_and_ready_and_keeps_messages(backend: Container) -> None:
    assert requests.get(f"{backend.uri}/health/live", timeout=5).json() == {"live": True}
    ready = requests.get(f"{backend.uri}/health/ready", timeout=5)
    assert (ready.status_code, ready.json()) == (200, {"ready": True})
    assert ready.headers["x-revision"] == "backend-00007-abc"
    kept = requests.post(f"{backend.uri}/rooms/lagos/messages", json=MESSAGE, timeout=5)
    assert kept.status_code == 201
    listed = requests.get(f"{backend.uri}/rooms/lagos/messages", timeout=5).json()["messages"]
    assert kept.json() in listed


def test_it_has_migrated_the_database_and_its_migrations_run_alone_too(
    backend: Container, images: Images, database: PostgreSQL, url: str
) -> None:
    assert database.query("SELECT name FROM schema_migrations ORDER BY name", "backend").split() == [
        "0001-messages",
        "0002-notifications",
    ]
    database.query("CREATE DATABASE empty")
    for expected in ("migrated: 0001-messages, 0002-notifications", "nothing to migrate"):
        address = database.url("empty")
        ran = images.engine.run(images.of("backend"), "dist/migrate.js", environment={"DATABASE_URL": address})
        assert (ran.status, json.loads(ran.output)["message"]) == (0, expected)


def test_without_its_database_it_is_not_ready(images: Images, database: PostgreSQL) -> None:
    database.query("CREATE DATABASE leaving")
    with running(images.engine, images.of("backend"), {"DATABASE_URL": database.url("leaving")}) as one:
        until_live(one)
        assert answers(one, "/health/ready")
        database.query("DROP DATABASE leaving WITH (FORCE)")
        assert not answers(one, "/health/ready")
        assert answers(one, "/health/live")


def test_sigterm_fails_no_request_and_asks_sockets_to_come_back(images: Images, url: str) -> None:
    environment = {"DATABASE_URL": url, "FAULT_LATENCY_MS": "100", "LOG_LEVEL": "warn"}
    with running(images.engine, images.of("backend"), environment) as one:
        until_live(one)
        socket = OpenSocket(f"{one.uri.replace('http', 'ws')}/rooms/lagos/socket")
        assert socket.opened.wait(10)
        ending = ended_under_load(one, "/rooms/lagos/messages", "/health/live")
    FIGURES.append(f"backend: {ending}; WebSocket {socket.code}")
    assert ending.tally.failed == []
    assert ending.tally.after_sigterm > 0
    assert socket.closed() == 1001
    assert json.loads(socket.heard[-1]) == {"type": "reconnect"}
    assert ending.status == 0
    assert ending.seconds < 10
