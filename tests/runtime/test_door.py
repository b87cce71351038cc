"""The door: what Pub/Sub is told about every way a message can end."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from shared.errors import Conflict, InvalidEvent, Unavailable
from shared.events.message import Message
from shared.runtime.cloud import Cloud
from shared.runtime.door import open_door
from tests.events.payloads import payload
from tests.fakes.cloud import FakeCloud
from tests.runtime.tokens import AUDIENCE, EMAIL, KEY, token


class Room:
    """One function behind its door, in a real Flask application."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (("PUSH_AUDIENCE", AUDIENCE), ("PUSH_CALLER", EMAIL), ("PUSH_TOKEN_KEY", KEY)):
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("K_SERVICE", raising=False)
        self.cloud = FakeCloud()
        self.handled: list[Message] = []
        self.outcome: str | Exception = "done"
        self.built = 0
        app = Flask("door")
        door = open_door("room", self._handle, self._build)
        app.add_url_rule("/<path:rest>", "room", lambda rest: door(request), methods=["GET", "POST"])
        self.client: FlaskClient = app.test_client()

    def _build(self) -> Cloud:
        self.built += 1
        return self.cloud

    def _handle(self, message: Message, cloud: Cloud) -> str:
        self.handled.append(message)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def post(self, body: Any = None, authorization: str | None = None) -> int:
        bearer = f"Bearer {token(datetime.now(UTC))}" if authorization is None else authorization
        raw = body if isinstance(body, bytes) else json.dumps(body or payload("push_wrapped")).encode()
        return self.client.post(
            "/projects/p/topics/gcr", data=raw, headers={"Authorization": bearer, "traceparent": "00-abc-def-01"}
        ).status_code


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    return Room(monkeypatch)


def test_a_handled_message_is_acked_and_logged_with_its_trace(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    assert room.post() == 200
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["outcome"]) == ("room.done", "done")
    assert line["logging.googleapis.com/trace"] == "projects/demo/traces/abc"
    assert room.handled[0].topic == "gcr"


def test_the_outside_world_is_built_once(room: Room) -> None:
    assert [room.post(), room.post()] == [200, 200]
    assert room.built == 1


@pytest.mark.parametrize("authorization", ["", "Bearer a.b.c"])
def test_a_caller_without_a_valid_token_is_refused_and_nothing_is_read(room: Room, authorization: str) -> None:
    assert room.post(authorization=authorization) == 401
    assert room.handled == []


def test_only_post_is_taken(room: Room) -> None:
    bearer = {"Authorization": f"Bearer {token(datetime.now(UTC))}"}
    assert room.client.get("/projects/p/topics/gcr", headers=bearer).status_code == 405


@pytest.mark.parametrize("error", [Conflict("lost"), Unavailable("down")])
def test_a_transient_failure_is_redelivered(room: Room, error: Exception) -> None:
    room.outcome = error
    assert room.post() == 503
    assert room.cloud.messages.published == []


def test_a_message_nobody_can_use_is_kept_whole_with_its_reason_and_acked(room: Room) -> None:
    room.outcome = InvalidEvent("action", "must be INSERT or DELETE")
    assert room.post() == 200
    [kept] = room.cloud.messages.on("rejected-events")
    body = json.loads(kept.data)
    assert (body["field"], body["function"]) == ("action", "room")
    assert json.loads(base64.b64decode(body["body"])) == payload("push_wrapped")


def test_a_broken_envelope_is_kept_as_well(room: Room) -> None:
    assert room.post(b"not json") == 200
    [kept] = room.cloud.messages.on("rejected-events")
    assert base64.b64decode(json.loads(kept.data)["body"]) == b"not json"


@pytest.mark.parametrize("came", [b"", b'{"message": '])
def test_a_body_that_broke_off_is_redelivered_and_nothing_of_it_is_kept(room: Room, came: bytes) -> None:
    """As the framework's server hands it out when whoever pushed died in the middle."""
    cut = {"CONTENT_LENGTH": "700", "wsgi.input_terminated": True}
    bearer = {"Authorization": f"Bearer {token(datetime.now(UTC))}"}
    answer = room.client.post("/projects/p/topics/gcr", data=came, headers=bearer, environ_overrides=cut)
    assert answer.status_code == 503
    assert room.cloud.messages.on("rejected-events") == []
    assert room.handled == []


def test_a_rejection_that_cannot_be_kept_is_redelivered(room: Room) -> None:
    room.cloud.messages.down = True
    assert room.post(b"not json") == 503


def test_our_own_bug_is_not_caught(room: Room) -> None:
    room.outcome = KeyError("bug")
    assert room.post() == 500
