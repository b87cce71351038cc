"""Nothing that can be sent makes a function crash or asks Pub/Sub to send it for ever; nothing of it is lost."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, request

from benchmarks.messages import OnTrial, mattering
from scripts.local_cloud.topology import ROUTES, Route
from shared.config.backups import Backups
from shared.runtime.door import open_door
from tests.bad_input.corpus import bodies, envelopes, from_the_future, wrapped
from tests.fakes.cloud import FakeCloud
from tests.fakes.messages import FakeMessages
from tests.functions.world import deployed, digest, handler
from tests.runtime.tokens import AUDIENCE, EMAIL, KEY, token

DONE, LATER = 200, 503
TOO_LARGE = ("too large to keep", "too large")
EXPORT = "exports/chat/app/20261123T000000Z.sql.gz"
WRITTEN = {"bucket": "landing", "name": EXPORT, "generation": "7", "size": "9", "crc32c": "AAAAAA=="}
CHANGED = {"resource": {"type": "cloud_run_revision", "labels": {"service_name": "web"}}}
TRIAL = OnTrial(canary="web-00002-bbb", target="web-00001-aaa", rollout_id="web-1", sequence=1)
EXAMPLES: dict[str, tuple[Any, Mapping[str, str]]] = {
    **{sent.topic: (json.loads(sent.data), sent.attributes) for sent in mattering(digest("a"), TRIAL).values()},
    "revision-changes": (CHANGED, {}),
    "backup-requests": ({}, {}),
    "backup-checks": ({}, {}),
    "backup-acceptances": ({"key": EXPORT, "by": "ada", "why": "rooms were dropped"}, {}),
    "drill-requests": ({}, {}),
    "drill-ticks": ({}, {}),
    "backup-objects": (WRITTEN, {"eventType": "OBJECT_FINALIZE"}),
}
"""By topic, a message that is acted on."""
ENVELOPES = tuple(envelopes())
PUSHES = [pytest.param(route, id=route.subscription) for route in ROUTES]


class Door:
    """One function behind its own door, on a cloud with one service that is deployed."""

    def __init__(self, function: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (("PUSH_AUDIENCE", AUDIENCE), ("PUSH_CALLER", EMAIL), ("PUSH_TOKEN_KEY", KEY)):
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("K_SERVICE", raising=False)
        self.cloud: FakeCloud = deployed().cloud
        backups = Backups(bucket="landing", drill_bucket="drills", instances={"chat": ("app",)})
        self.cloud.environment = replace(self.cloud.environment, backups=backups)
        self.bearer = token(datetime.now(UTC))
        app = Flask(function)
        door = open_door(function, handler(function), lambda: self.cloud)
        app.add_url_rule("/<path:rest>", function, lambda rest: door(request), methods=["POST"])
        self._client = app.test_client()

    def post(self, body: bytes, topic: str) -> tuple[int, str]:
        self.cloud.messages = FakeMessages()
        answer = self._client.post(
            f"/projects/p/topics/{topic}", data=body, headers={"Authorization": f"Bearer {self.bearer}"}
        )
        return answer.status_code, answer.text


def corpus(topic: str) -> Iterator[tuple[str, bytes]]:
    yield from ENVELOPES
    yield from bodies(*EXAMPLES[topic])


@pytest.mark.parametrize("route", PUSHES)
def test_every_bad_message_is_acked_and_kept_or_ignored_by_name_and_chooses_no_address(
    route: Route, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    door, kept = Door(route.function, monkeypatch), 0
    own = {uri for service in door.cloud.services.rows.values() for uri in service.tag_uris.values()}
    for name, body in corpus(route.topic):
        status, said = door.post(body, route.topic)
        lines = capsys.readouterr().out.splitlines()
        left_to_dead_letters = name in TOO_LARGE and said.startswith("rejected, and too large to keep")
        assert status == (LATER if left_to_dead_letters else DONE), (name, said)
        assert len(said) < 10_000, name
        for line in lines:
            assert len(line) < 20_000, name
            json.loads(line)  # one line of JSON whatever was in the text
            assert door.bearer not in line
            assert KEY not in line
        if said.startswith("rejected: "):
            [rejected] = door.cloud.messages.on("rejected-events")
            entry = json.loads(rejected.data)
            assert base64.b64decode(entry["body"]) == body, name
            assert entry["field"], name
            kept += 1
    assert kept > 50
    assert {uri for uri, _, _ in door.cloud.prober.probed} <= own, "a message chose where we connect to"


def test_a_freeze_from_the_future_can_be_lifted_today(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door("rollout_command", monkeypatch)

    def body(verb: str) -> bytes:
        order = {"command": verb, "service": "*", "by": "amina", "why": "a reason", "request_id": verb}
        return json.dumps(order).encode()

    status, said = door.post(from_the_future(body("freeze"), {"command": "freeze"}), "commands")
    assert (status, door.cloud.ledger.freeze()) == (DONE, "amina froze dev: a reason"), said
    door.post(wrapped(body("unfreeze"), {"command": "unfreeze"}), "commands")
    assert door.cloud.ledger.freeze() == ""
