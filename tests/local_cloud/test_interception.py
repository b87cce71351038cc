"""Between a call and its answer, over gRPC and over HTTP."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import ResourceExhausted
from google.pubsub_v1.services.publisher.client import PublisherClient
from google.pubsub_v1.services.publisher.transports.grpc import PublisherGrpcTransport
from google.pubsub_v1.types import Topic

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.gapic.http_gate import HttpGate
from scripts.local_cloud.gapic.wire import Call, Fail
from scripts.local_cloud.pubsub.server import PubSub
from shared.adapters.google_api import insecure_channel

TOPIC = f"projects/{PROJECT}/topics/gcr"
PATIENCE_SECONDS = 20.0


class Between:
    """Answers every call by itself until `act` says otherwise; keeps the calls."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.act: Callable[[Call, Callable[[], Any]], Any] = lambda _call, answer: answer()

    def __call__(self, call: Call, answer: Callable[[], Any]) -> Any:
        self.calls.append(call)
        return self.act(call, answer)


@pytest.fixture
def between() -> Between:
    return Between()


@pytest.fixture
def pubsub(between: Between) -> Iterator[PubSub]:
    server = PubSub(b"key", intercept=between)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def publisher(pubsub: PubSub) -> Iterator[PublisherClient]:
    transport = PublisherGrpcTransport(channel=insecure_channel(f"127.0.0.1:{pubsub.grpc_port}"))
    yield PublisherClient(transport=transport)
    transport.close()


def fail(_call: Call, _answer: Callable[[], Any]) -> Any:
    raise Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded.")


def test_a_call_goes_through_and_says_what_it_asks(publisher: PublisherClient, between: Between) -> None:
    assert publisher.create_topic(name=TOPIC).name == TOPIC
    (call,) = between.calls
    assert (call.method, call.request.name) == ("create_topic", TOPIC)


def test_a_call_can_be_refused_without_effect(pubsub: PubSub, publisher: PublisherClient, between: Between) -> None:
    between.act = fail
    with pytest.raises(ResourceExhausted, match="Quota exceeded"):
        publisher.create_topic(name=TOPIC, retry=None)
    assert pubsub.snapshot()["topics"] == []


def test_a_call_takes_effect_although_its_caller_gave_up(
    pubsub: PubSub, publisher: PublisherClient, between: Between
) -> None:
    came, done = threading.Event(), threading.Event()

    def late(call: Call, answer: Callable[[], Any]) -> Any:
        came.set()
        assert call.hung_up(PATIENCE_SECONDS)
        answered = answer()
        done.set()
        return answered

    between.act = late
    stub: Any = publisher.transport.create_topic
    asked = stub.future(Topic(name=TOPIC))
    assert came.wait(PATIENCE_SECONDS)
    asked.cancel()
    assert done.wait(PATIENCE_SECONDS)
    assert [topic["name"] for topic in pubsub.snapshot()["topics"]] == [TOPIC]


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0))) + self.headers["X-Kind"].encode()
        self.send_response(http.client.CREATED)
        self.send_header("ETag", self.path)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET = _answer  # noqa: N815  the base class looks them up by these names

    def log_message(self, *_arguments: Any) -> None: ...


@pytest.fixture
def gate(between: Between) -> Iterator[HttpGate]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    gate = HttpGate(f"http://127.0.0.1:{server.server_port}", between)
    gate.start()
    yield gate
    gate.stop()
    server.shutdown()
    server.server_close()
    thread.join()


def ask(gate: HttpGate, verb: str, body: bytes = b"") -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection(gate.url.removeprefix("http://"), timeout=PATIENCE_SECONDS)
    try:
        connection.request(verb, "/b/o?x=1", body, {"X-Kind": "echo"})
        response = connection.getresponse()
        return response.status, response.getheader("ETag"), response.read()
    finally:
        connection.close()


def test_a_request_passes_whole_and_so_does_its_answer(gate: HttpGate, between: Between) -> None:
    assert ask(gate, "POST", b"body-") == (http.client.CREATED, "/b/o?x=1", b"body-echo")
    assert ask(gate, "GET") == (http.client.CREATED, "/b/o?x=1", b"echo")
    assert [(call.method, call.request) for call in between.calls] == [("post", "/b/o?x=1"), ("get", "/b/o?x=1")]


def test_a_request_can_be_refused_with_the_status_of_the_failure(gate: HttpGate, between: Between) -> None:
    between.act = fail
    assert ask(gate, "GET")[0] == http.client.TOO_MANY_REQUESTS


def test_a_request_knows_when_its_client_hung_up(gate: HttpGate, between: Between) -> None:
    asked, seen = threading.Event(), list[bool]()
    done = threading.Event()

    def late(call: Call, answer: Callable[[], Any]) -> Any:
        seen.append(call.hung_up(0))
        asked.set()
        seen.append(call.hung_up(PATIENCE_SECONDS))
        done.set()
        return answer()

    between.act = late
    host, _, port = gate.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /b/o HTTP/1.1\r\nHost: here\r\nX-Kind: echo\r\n\r\n")
        assert asked.wait(PATIENCE_SECONDS)
    assert done.wait(PATIENCE_SECONDS)
    assert seen == [False, True]
