"""Publishing over the wire: Google's client against a server that keeps every request."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1.services.publisher.transports.grpc import PublisherGrpcTransport
from google.pubsub_v1.types import PublishResponse

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.gapic.wire import Fail
from scripts.local_cloud.pubsub.server import PubSub
from shared.adapters import pubsub
from shared.adapters.pubsub import EMULATOR_VARIABLE, PubSubMessages
from shared.errors import NotFound, Unavailable
from tests.adapters.wire import Recorder, served


@pytest.fixture
def server() -> Recorder:
    return Recorder(publish=PublishResponse(message_ids=["1"]))


@pytest.fixture
def messages(server: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubMessages]:
    with served(server, PublisherGrpcTransport) as endpoint:
        monkeypatch.setenv(EMULATOR_VARIABLE, endpoint)
        adapter = PubSubMessages("demo")
        yield adapter
        adapter.close()


def test_one_message_is_one_call_with_all_it_carries(messages: PubSubMessages, server: Recorder) -> None:
    messages.publish("verdicts", b"{}", {"service": "web"}, "web")
    ((name, request),) = server.requests
    assert (name, request.topic) == ("publish", "projects/demo/topics/verdicts")
    (message,) = request.messages
    assert (message.data, dict(message.attributes), message.ordering_key) == (b"{}", {"service": "web"}, "web")


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED], ids=str
)
def test_a_publish_is_repeated_while_the_service_stumbles(
    messages: PubSubMessages, server: Recorder, code: grpc.StatusCode
) -> None:
    def third_time(_request: Any) -> PublishResponse:
        if len(server.requests) < 3:
            raise Fail(code, "")
        return PublishResponse(message_ids=["1"])

    server.answers["publish"] = third_time
    messages.publish("verdicts", b"{}", {})
    assert server.calls == ["publish"] * 3


def test_a_service_that_stays_away_is_unavailable(
    messages: PubSubMessages, server: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_request: Any) -> PublishResponse:
        raise Fail(grpc.StatusCode.UNAVAILABLE, "down")

    monkeypatch.setattr(pubsub, "_PUBLISH_SECONDS", 0.3)
    server.answers["publish"] = never
    with pytest.raises(Unavailable, match="down"):
        messages.publish("verdicts", b"{}", {})


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.NOT_FOUND, NotFound),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Unavailable),
        (grpc.StatusCode.PERMISSION_DENIED, exceptions.PermissionDenied),
    ],
)
def test_what_no_repeat_mends_is_raised_at_once(
    messages: PubSubMessages, server: Recorder, code: grpc.StatusCode, error: type[Exception]
) -> None:
    def refuse(_request: Any) -> PublishResponse:
        raise Fail(code, "")

    server.answers["publish"] = refuse
    with pytest.raises(error):
        messages.publish("verdicts", b"{}", {})
    assert server.calls == ["publish"]


def test_the_local_pubsub_takes_a_message_for_a_topic_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    local = PubSub(b"key")
    local.start()
    monkeypatch.setenv(EMULATOR_VARIABLE, f"127.0.0.1:{local.grpc_port}")
    messages = PubSubMessages(PROJECT)
    try:
        with pytest.raises(NotFound):
            messages.publish("verdicts", b"{}", {})
        messages._publisher.create_topic(name=f"projects/{PROJECT}/topics/verdicts")
        messages.publish("verdicts", b"{}", {"service": "web"})
        assert local.snapshot()["topics"] == [{"name": f"projects/{PROJECT}/topics/verdicts", "published": 1}]
    finally:
        messages.close()
        local.stop()


def test_the_emulator_is_refused_on_cloud_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EMULATOR_VARIABLE, "127.0.0.1:1")
    monkeypatch.setenv("K_SERVICE", "notify")
    with pytest.raises(RuntimeError, match=EMULATOR_VARIABLE):
        PubSubMessages("demo").publish("verdicts", b"{}", {})
