"""Probes over real sockets: what a revision does is an outcome, never an exception."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared.adapters.probes import USER_AGENT, HttpProber
from shared.analysis.evidence import ProbeOutcome


class _Revision(BaseHTTPRequestHandler):
    agents: list[str]

    def do_GET(self) -> None:
        self.agents.append(self.headers["User-Agent"])
        if self.path == "/hangs-up":
            return
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "5")
        self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def revision() -> Iterator[tuple[str, list[str]]]:
    agents: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Revision,), {"agents": agents}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", agents
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, ProbeOutcome.PASSED), (302, ProbeOutcome.FAILED), (404, ProbeOutcome.FAILED), (503, ProbeOutcome.FAILED)],
)
def test_only_a_success_passes_and_no_redirect_is_followed(
    revision: tuple[str, list[str]], status: int, outcome: ProbeOutcome
) -> None:
    uri, agents = revision
    probe = HttpProber().probe(uri, "web-00002-bbb", f"/{status}")
    assert (probe.outcome, probe.status, probe.bytes_received) == (outcome, status, 5)
    assert probe.latency_ms > 0
    assert agents == [USER_AGENT]


def test_a_revision_that_hangs_up_or_is_not_there_fails_with_the_reason(revision: tuple[str, list[str]]) -> None:
    for uri, path in ((revision[0], "/hangs-up"), ("http://127.0.0.1:1", "/200")):
        probe = HttpProber().probe(uri, "web-00002-bbb", path)
        assert probe.outcome is ProbeOutcome.FAILED
        assert probe.reason.startswith("no answer")
