"""Pages over real sockets: what a browser with an empty cache would get, counted as it comes over the wire."""

import gzip
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from shared.adapters import pages
from shared.adapters.probes import USER_AGENT, HttpProber
from shared.connectivity.page import Kind, Page
from tests.adapters.test_probes import Served

CHUNK = "/_next/static/chunks/app.js?dpl=5f2a9c1"
HTML = f"""<!doctype html><html><head>
<link rel="stylesheet" href="/style.css" />
<link rel="stylesheet" href="/print.css" media="print">
<link rel="preload" as="script" href="{CHUNK.replace("&", "&amp;")}" fetchPriority="low">
<link rel="preload" as="font" href="/letters.woff2"><link rel="icon" href="/favicon.ico">
<script src="{CHUNK}" async></script><script src="/old.js" nomodule></script>
<script src="https://cdn.example/tracker.js?who=me"></script><script src="//cdn.example/other.js"></script>
<script src="data:text/javascript,1"></script><script>inline()</script>
</head><body><img src="logo.png"><img src="/far.png" loading="lazy">{"words " * 2000}</body></html>"""
LONG = b"x" * 20_000


class _Site(BaseHTTPRequestHandler):
    """A small site that packs what it is asked to pack."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, str]]
    released: threading.Event

    def do_GET(self) -> None:
        self.asked.append({"path": self.path, **dict(self.headers)})
        if self.path == "/away":
            self._answer(308, b"", Location="https://login.example/")
        elif self.path == "/broken":
            self._answer(500, b"out of order")
        elif self.path == "/no-gzip":
            self._answer(200, b"not packed at all", **{"Content-Encoding": "gzip"})
        elif self.path == "/needs-missing":
            self._answer(200, b'<script src="/missing.js"></script>')
        elif self.path == "/hangs-up":
            self.close_connection = True
        elif self.path == "/drips":
            self._drip()
        elif self.path == "/one-each":
            self._answer(200, b"<p>hello</p>")
            self.close_connection = True  # without a word of it in the headers
        elif self.path == "/plain":
            self._answer(200, b"<p>hello</p>")
        elif self.path in ("/", "/deep/page"):
            self._packed(HTML.encode(), "private, no-store")
        elif self.path == "/missing.js":
            self._answer(404, b"not here")
        else:
            self._packed(LONG, "public, immutable")

    def _drip(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.released.wait(0.02):
            try:
                self.wfile.write(b".")
            except OSError:
                return

    def _packed(self, body: bytes, cache: str) -> None:
        accepted = self.headers["Accept-Encoding"]
        assert "gzip" in accepted
        headers = {"Cache-Control": cache, "Content-Type": "text/html"}
        self._answer(200, gzip.compress(body, mtime=0), **headers, **{"Content-Encoding": "gzip"})

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Served]:
    server = Served(_Site)
    yield server
    server.stop()


def load(site: Served, path: str) -> Page:
    return HttpProber().load(f"http://{site.address}", path)


def test_a_page_is_its_html_and_what_a_current_browser_needs_with_it(site: Served) -> None:
    page = load(site, "/deep/page")
    assert [(row.kind, row.path) for row in page.resources] == [
        (Kind.HTML, "/deep/page"),
        (Kind.STYLE, "/style.css"),
        (Kind.SCRIPT, CHUNK),
        (Kind.FONT, "/letters.woff2"),
        (Kind.IMAGE, "/deep/logo.png"),
    ]
    assert page.ttfb_ms > 0
    chunk = page.resources[2]
    assert (chunk.status, chunk.encoding, chunk.cache_control) == (200, "gzip", "public, immutable")


def test_other_origins_are_named_and_never_asked(site: Served) -> None:
    page = load(site, "/")
    assert page.foreign == ("https://cdn.example/tracker.js", "http://cdn.example/other.js")
    assert page.requests == 7
    assert {row["path"] for row in site.asked} == {"/", "/style.css", CHUNK, "/letters.woff2", "/logo.png"}


def test_bytes_are_counted_as_a_socket_receives_them(site: Served) -> None:
    host, _, port = site.address.partition(":")
    with socket.create_connection((host, int(port))) as plain:
        plain.sendall(b"GET /style.css HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
        received = 0
        while piece := plain.recv(65536):
            received += len(piece)
    style = load(site, "/").resources[1]
    assert style.bytes_received == received
    assert style.content_bytes == len(gzip.compress(LONG, mtime=0))


def test_the_page_is_asked_for_warm_and_says_who_asks(site: Served) -> None:
    load(site, "/plain")
    assert len(site.asked) == pages.WARM_UPS + pages.SAMPLES
    assert {row["User-Agent"] for row in site.asked} == {USER_AGENT}
    assert {row["Accept-Encoding"] for row in site.asked} == {"gzip"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/away", {"location": "https://login.example/"}),
        ("/broken", {"failure": "status 500"}),
        ("/no-gzip", {"failure": "Not a gzipped file (b'no')"}),
        ("/hangs-up", {"failure": "Remote end closed connection without response"}),
    ],
)
def test_what_a_revision_does_is_said_and_never_raised(site: Served, path: str, expected: dict[str, Any]) -> None:
    assert load(site, path) == Page(path, **expected)


def test_a_missing_asset_is_part_of_the_page(site: Served) -> None:
    assert [row.status for row in load(site, "/needs-missing").resources] == [200, 404]


def test_a_connection_that_a_server_ends_between_two_answers_is_made_again(site: Served) -> None:
    assert load(site, "/one-each").failure == ""


def test_nobody_there_is_a_failure_with_its_reason() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        page = HttpProber().load(f"http://127.0.0.1:{nobody.getsockname()[1]}", "/")
    assert "refused" in page.failure


def test_no_more_is_read_of_an_answer_than_is_ever_allowed(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BODY_MAX", 32)
    monkeypatch.setattr(pages, "_CHUNK", 16)
    assert "end-of-stream" in load(site, "/style.css").failure
    assert load(site, "/plain").failure == ""


def test_a_page_has_its_time_for_everything(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_SECONDS", 0.0)
    assert load(site, "/").failure == "not loaded within 0 s"


def test_an_answer_that_drips_has_its_time_too(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ANSWER_SECONDS", 0.3)
    assert load(site, "/drips").failure == "an answer took longer than 0.3 s"


@pytest.mark.parametrize("path", ["/a\r\nX-Evil: yes", "/ü"])
def test_a_path_that_cannot_be_asked_for_is_a_failure(site: Served, path: str) -> None:
    assert load(site, path).failure
    assert site.asked == []
