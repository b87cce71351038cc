"""Probes over real sockets: what a revision does is an outcome, never an exception."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.adapters import probes
from shared.adapters.identity import IdentityTokens
from shared.adapters.probes import USER_AGENT, HttpProber, service_uri
from shared.analysis.evidence import Expectation, ProbeOutcome
from shared.errors import Unavailable


class _Revision(BaseHTTPRequestHandler):
    """Answers with the status in the path, or misbehaves as it says."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, str]]
    released: threading.Event

    def do_GET(self) -> None:
        self.asked.append(dict(self.headers))
        self.close_connection = True
        if self.path == "/hangs-up":
            return
        if self.path == "/drips":
            self._drip()
            return
        status = int(self.path.rpartition("/")[2])
        body = b"" if self.path.startswith("/empty") else b"hello"
        self.send_response(status)
        self.send_header("Location", "/200")
        if self.path.startswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            body = b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        elif self.path.startswith("/short"):
            self.send_header("Content-Length", "50")
        elif not self.path.startswith("/until-the-end"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.released.wait(0.02):
            try:
                self.wfile.write(b".")
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        pass


class Served:
    """A server of one handler on loopback, with what it was asked."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], **attributes: Any) -> None:
        self.asked: list[dict[str, str]] = []
        self.released = threading.Event()
        kind = type("Handler", (handler,), {"asked": self.asked, "released": self.released, **attributes})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def revision() -> Iterator[Served]:
    server = Served(_Revision)
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("path", "status", "passes", "received"),
    [
        ("/200", 200, True, 5),
        ("/chunked/200", 200, True, 5),
        ("/until-the-end/200", 200, True, 5),
        ("/empty/204", 204, True, 0),
        ("/empty/200", 200, False, 0),
        ("/302", 302, False, 5),
        ("/404", 404, False, 5),
        ("/503", 503, False, 5),
    ],
)
def test_only_a_success_with_content_passes_and_no_redirect_is_followed(
    revision: Served, path: str, status: int, passes: bool, received: int
) -> None:
    probe = HttpProber().probe(f"http://{revision.address}", "web-00002-bbb", path)
    outcome = ProbeOutcome.PASSED if passes else ProbeOutcome.FAILED
    assert (probe.revision, probe.path) == ("web-00002-bbb", path)
    assert (probe.outcome, probe.status, probe.bytes_received) == (outcome, status, received)
    assert probe.reason.startswith(f"status {status}")
    assert probe.latency_ms > 0
    (headers,) = revision.asked
    assert headers["User-Agent"] == USER_AGENT
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("path", "expected", "reason"),
    [
        ("/200", Expectation(contains="ell"), "status 200"),
        ("/200", Expectation(contains="bye"), 'status 200 without "bye" in it'),
        ("/chunked/200", Expectation(contains="hello"), "status 200"),
        ("/503", Expectation(contains="bye"), "status 503"),
    ],
)
def test_an_answer_must_contain_what_is_expected(
    revision: Served, path: str, expected: Expectation, reason: str
) -> None:
    probe = HttpProber().probe(f"http://{revision.address}", "web-00002-bbb", path, expected)
    assert probe.reason == reason
    assert (probe.outcome is ProbeOutcome.PASSED) == (reason == "status 200")
    assert revision.asked[0]["Accept-Encoding"] == "identity"


def test_an_answer_that_takes_longer_than_it_may_fails(revision: Served) -> None:
    probe = HttpProber().probe(f"http://{revision.address}", "web-00002-bbb", "/200", Expectation(ms_max=1e-6))
    assert probe.outcome is ProbeOutcome.FAILED
    assert probe.reason.endswith(" ms, 0 are allowed")


@pytest.mark.parametrize("path", ["/hangs-up", "/short/200"])
def test_a_revision_that_breaks_off_fails_with_the_reason(revision: Served, path: str) -> None:
    probe = HttpProber().probe(f"http://{revision.address}", "web-00002-bbb", path)
    assert (probe.outcome, probe.status) == (ProbeOutcome.FAILED, 0)
    assert probe.reason.startswith("no answer: ")


def test_a_revision_that_is_not_there_fails_with_the_reason() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        probe = HttpProber().probe(f"http://127.0.0.1:{nobody.getsockname()[1]}", "web-00002-bbb", "/200")
    assert probe.outcome is ProbeOutcome.FAILED
    assert "refused" in probe.reason


def test_an_answer_that_drips_for_ever_is_a_timeout(revision: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PROBE_SECONDS", 0.3)
    probe = HttpProber().probe(f"http://{revision.address}", "web-00002-bbb", "/drips")
    assert (probe.outcome, probe.reason) == (ProbeOutcome.FAILED, "no answer: timed out")
    assert probe.latency_ms < 3000


class _Metadata(BaseHTTPRequestHandler):
    """The metadata server, whose tokens live as long as `lives` says."""

    asked: list[dict[str, str]]
    lives: float
    answers: bytes | None = None

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        assert parts.path == "/computeMetadata/v1/instance/service-accounts/default/identity"
        assert self.headers["Metadata-Flavor"] == "Google"
        audience = parse_qs(parts.query)["audience"][0]
        self.asked.append({"audience": audience})
        claims = base64.urlsafe_b64encode(json.dumps({"aud": audience, "exp": time.time() + self.lives}).encode())
        body = self.answers if self.answers is not None else b"header." + claims.rstrip(b"=") + b".signature"
        self.send_response(500 if body == b"500" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("lives", "requests"), [(3600.0, 2), (200.0, 3)])
def test_a_token_is_fetched_once_per_audience_and_again_before_it_ends(
    monkeypatch: pytest.MonkeyPatch, lives: float, requests: int
) -> None:
    metadata = Served(_Metadata, lives=lives)
    monkeypatch.setenv("GCE_METADATA_HOST", metadata.address)
    tokens = IdentityTokens()
    try:
        assert tokens.token("https://web.example").count(".") == 2
        tokens.token("https://web.example")
        tokens.token("https://api.example")
    finally:
        metadata.stop()
    assert len(metadata.asked) == requests
    assert metadata.asked[-1] == {"audience": "https://api.example"}


@pytest.mark.parametrize("answer", [b"500", b"no token", b"a.b.c", b""])
def test_what_is_no_token_is_never_sent(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    metadata = Served(_Metadata, lives=3600.0, answers=answer)
    monkeypatch.setenv("GCE_METADATA_HOST", metadata.address)
    try:
        with pytest.raises(OSError, match="metadata server"):
            IdentityTokens().token("https://web.example")
    finally:
        metadata.stop()


def test_without_an_identity_nothing_is_said_about_the_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(Unavailable, match="identity"):
            HttpProber().probe("https://canary---web-abc123-bq.a.run.app", "web-00002-bbb", "/200")


@pytest.mark.parametrize(
    "host", ["localhost", "web.example", "run.app.evil.example", "evilrun.app", "run.app@localhost"]
)
def test_no_token_goes_anywhere_but_to_cloud_run(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    metadata = Served(_Metadata, lives=3600.0)
    monkeypatch.setenv("GCE_METADATA_HOST", metadata.address)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setattr(socket, "getaddrinfo", _only_loopback(nobody.getsockname()[1]))
        try:
            probe = HttpProber().probe(f"https://{host}", "web-00002-bbb", "/200")
            page = HttpProber().load(f"https://{host}", "/")
        finally:
            metadata.stop()
    assert probe.outcome is ProbeOutcome.FAILED
    assert page.failure
    assert metadata.asked == []


def _only_loopback(port: int) -> Any:
    """Every name leads to a port of ours where nobody listens."""
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def test_a_token_is_made_out_to_the_service_and_not_to_its_tag() -> None:
    assert service_uri("https://canary---web-abc123-bq.a.run.app/x") == "https://web-abc123-bq.a.run.app"
    assert service_uri("https://web-abc123-bq.a.run.app") == "https://web-abc123-bq.a.run.app"
