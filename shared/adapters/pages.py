"""Whole pages from a revision's tagged URL, byte by byte as a browser with an empty cache gets them."""

import gzip
import http.client
import time
import zlib
from collections.abc import Mapping
from html.parser import HTMLParser
from statistics import median
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from shared.connectivity.page import Kind, Page, Resource

WARM_UPS, SAMPLES = 2, 5  # a first answer may be an instance starting; the median of the next ones is the server's
ANSWER_SECONDS = 5.0  # for each answer
PAGE_SECONDS = 30.0  # for all of them
BODY_MAX = 1 << 22  # bytes of one answer; a page that needs more is refused for what was read
ASSETS_MAX = 100
_CHUNK = 1 << 16
_FIRST_BYTES = len(b"HTTP/1.1 200 \r\n\r\n")
_LINKS = {"stylesheet": Kind.STYLE, "modulepreload": Kind.SCRIPT}
_PRELOADED = {"script": Kind.SCRIPT, "style": Kind.STYLE, "font": Kind.FONT, "image": Kind.IMAGE}


class _Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    bytes_received: int
    ttfb_ms: float


def load_page(uri: str, path: str, headers: Mapping[str, str]) -> Page:
    """The route at `path` and everything of its own origin that it names; what a revision does is never raised.

    uri: the tagged URL's origin; headers: sent with every request. Other origins are named and never asked.
    """
    line = _Line(uri, headers)
    try:
        samples = [line.get(path, "gzip") for _ in range(WARM_UPS + SAMPLES)]
        html, ttfb_ms = samples[-1], median(sample.ttfb_ms for sample in samples[WARM_UPS:])
        if http.client.MULTIPLE_CHOICES <= html.status < http.client.BAD_REQUEST:
            return Page(path, location=html.headers.get("Location", "somewhere"))
        if html.status != http.client.OK:
            return Page(path, failure=f"status {html.status}")
        own, foreign = needs(uri, path, _decoded(html))
        assets = [_resource(kind, asset, line.get(asset, "br, gzip")) for asset, kind in own.items()]
    except (OSError, http.client.HTTPException, ValueError, EOFError, zlib.error) as error:
        return Page(path, failure=f"{error or type(error).__name__}")
    finally:
        line.close()
    return Page(
        path=path,
        ttfb_ms=round(ttfb_ms, 1),
        resources=(_resource(Kind.HTML, path, html), *assets),
        foreign=foreign,
    )


class _Line:
    """One kept connection to one origin, with a deadline for all that goes over it."""

    def __init__(self, uri: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(uri)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=ANSWER_SECONDS)
        self._headers = headers
        self._deadline = time.monotonic() + PAGE_SECONDS

    def get(self, path: str, encodings: str) -> _Answer:
        """Raises OSError, HTTPException, or ValueError for a path that cannot be asked for."""
        if time.monotonic() > self._deadline:
            raise TimeoutError(f"not loaded within {PAGE_SECONDS:g} s")
        headers = {**self._headers, "Accept-Encoding": encodings}
        started = time.monotonic()
        try:
            self._connection.request("GET", path, headers=headers)
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._connection.close()  # a server may end a kept connection between two requests; once is no fault
            self._connection.request("GET", path, headers=headers)
            response = self._connection.getresponse()
        ttfb_ms = (time.monotonic() - started) * 1000
        body = self._body(response, started)
        sent = sum(len(name) + len(value) + len(": \r\n") for name, value in response.getheaders())
        received = _FIRST_BYTES + len(response.reason) + sent + len(body)
        return _Answer(response.status, response.headers, body, received, ttfb_ms)

    def _body(self, response: http.client.HTTPResponse, started: float) -> bytes:
        pieces, size = [], 0
        while size < BODY_MAX and (piece := response.read1(_CHUNK)):
            pieces.append(piece)
            size += len(piece)
            if time.monotonic() > started + ANSWER_SECONDS:
                raise TimeoutError(f"an answer took longer than {ANSWER_SECONDS:g} s")
        if size >= BODY_MAX:
            self._connection.close()  # the rest is not wanted
        else:
            response.read()  # there is nothing more: it frees the connection
        return b"".join(pieces)

    def close(self) -> None:
        self._connection.close()


def _resource(kind: Kind, path: str, answer: _Answer) -> Resource:
    return Resource(
        kind=kind,
        path=path,
        status=answer.status,
        bytes_received=answer.bytes_received,
        content_bytes=len(answer.body),
        encoding=answer.headers.get("Content-Encoding", ""),
        cache_control=answer.headers.get("Cache-Control", ""),
    )


def _decoded(html: _Answer) -> str:
    """Raises OSError, EOFError or zlib.error for what is no gzip although it says so."""
    packed = html.headers.get("Content-Encoding", "") == "gzip"
    return (gzip.decompress(html.body) if packed else html.body).decode("utf-8", "replace")


def needs(uri: str, path: str, html: str) -> tuple[dict[str, Kind], tuple[str, ...]]:
    """Own assets by path with query, and foreign URLs, each once, in the order in which the page names them.

    Raises ValueError for what is no HTML, or names what is no address.
    """
    reader = _Reader()
    try:
        reader.feed(html)
    except AssertionError as error:  # the parser's own answer to a marked section that it does not know
        raise ValueError(f"HTML that cannot be read: {error}") from error
    base, own, foreign = urlsplit(uri), dict[str, Kind](), dict[str, None]()
    for target, kind in reader.found[:ASSETS_MAX]:
        parts = urlsplit(urljoin(urljoin(uri, path), target))
        if parts.scheme not in ("http", "https"):
            continue
        if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
            own.setdefault(f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", kind)
        else:
            foreign.setdefault(parts._replace(query="", fragment="").geturl())
    return own, tuple(foreign)


class _Reader(HTMLParser):
    """Finds what a current browser loads before a page can be used: no `nomodule`, nothing lazy, no other medium."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, Kind]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        row = {name: value or "" for name, value in attrs}
        if tag == "script" and "nomodule" not in row:
            self._add(row.get("src", ""), Kind.SCRIPT)
        elif tag == "img" and row.get("loading") != "lazy":
            self._add(row.get("src", ""), Kind.IMAGE)
        elif tag == "link" and row.get("media", "all") in ("", "all", "screen"):
            for relation in row.get("rel", "").lower().split():
                kind = _PRELOADED.get(row.get("as", "")) if relation == "preload" else _LINKS.get(relation)
                if kind:
                    self._add(row.get("href", ""), kind)

    def _add(self, target: str, kind: Kind) -> None:
        if target:
            self.found.append((target, kind))
