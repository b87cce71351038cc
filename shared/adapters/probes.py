"""Requests of our own to a revision's tagged URL, over the standard library."""

import http.client
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.adapters.identity import IdentityTokens
from shared.analysis.evidence import Expectation, Probe, ProbeOutcome
from shared.errors import Unavailable

if TYPE_CHECKING:
    from shared.connectivity.page import Page

PROBE_SECONDS = 5.0  # for the whole answer, however slowly it drips
BODY_MAX = 1 << 20  # bytes read of an answer
CHUNK = 1 << 16
USER_AGENT = "pushnchat-probe/1"
CLOUD_RUN = ".run.app"  # every address that Google gives a service or a tag ends so


class HttpProber:
    """GETs, no redirects followed; on https with an identity token, as the service's own callers need one."""

    def __init__(self) -> None:
        self._tokens = IdentityTokens()

    def probe(self, uri: str, revision: str, path: str, expected: Expectation | None = None) -> Probe:
        """The outcome says what went wrong; nothing the revision does is raised.

        Raises Unavailable when we cannot prove who we are: that says nothing about the revision.
        """
        expected = expected or Expectation()
        # A text is looked for in plain words; otherwise the bytes are those that users' browsers would get.
        headers = {**self._headers(uri), "Accept-Encoding": "identity" if expected.contains else "gzip"}
        started = time.monotonic()
        try:
            status, body = _get(uri, path, headers, started + PROBE_SECONDS)
        except (OSError, http.client.HTTPException) as error:
            return Probe(
                revision=revision,
                path=path,
                outcome=ProbeOutcome.FAILED,
                reason=f"no answer: {error or type(error).__name__}",
                latency_ms=(time.monotonic() - started) * 1000,
            )
        latency_ms = (time.monotonic() - started) * 1000
        passed = http.client.OK <= status < http.client.MULTIPLE_CHOICES
        fault = _fault(status, body, latency_ms, expected) if passed else ""
        return Probe(
            revision=revision,
            path=path,
            outcome=ProbeOutcome.PASSED if passed and not fault else ProbeOutcome.FAILED,
            reason=f"status {status}{fault}",
            status=status,
            latency_ms=latency_ms,
            bytes_received=len(body),
        )

    def load(self, uri: str, path: str) -> "Page":
        """A whole page; its `failure` says what went wrong. Raises Unavailable like `probe`."""
        from shared.adapters.pages import load_page

        return load_page(uri, path, self._headers(uri))

    def _headers(self, uri: str) -> dict[str, str]:
        """Who asks, and to Cloud Run, and nobody else, the proof of it."""
        headers = {"User-Agent": USER_AGENT}
        parts = urlsplit(uri)
        if parts.scheme == "https" and (parts.hostname or "").endswith(CLOUD_RUN):
            try:
                headers["Authorization"] = f"Bearer {self._tokens.token(service_uri(uri))}"
            except OSError as error:
                raise Unavailable(f"no identity for a probe: {error}") from error
        return headers


def service_uri(uri: str) -> str:
    """The service's own origin from a tagged URL: Cloud Run takes no token made out to "tag---service…"."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.rpartition('---')[2]}"


def _fault(status: int, body: bytes, latency_ms: float, expected: Expectation) -> str:
    """What is wrong with a success, as the end of a sentence, or ""."""
    if not body and status == http.client.OK:
        return " and nothing in it"
    if expected.contains.encode() not in body:
        return f' without "{expected.contains}" in it'
    if latency_ms > expected.ms_max:
        return f" after {latency_ms:.0f} ms, {expected.ms_max:.0f} are allowed"
    return ""


def _get(uri: str, path: str, headers: dict[str, str], deadline: float) -> tuple[int, bytes]:
    """The status and the body as it came over the wire, compressed or not."""
    parts = urlsplit(uri)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.netloc, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        wire = connection.sock
        response = connection.getresponse()
        pieces, received = [], 0
        while received < BODY_MAX and not response.isclosed():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("timed out")
            wire.settimeout(remaining)
            chunk = response.read1(CHUNK)
            if not chunk:
                break
            pieces.append(chunk)
            received += len(chunk)
        if response.length and received < BODY_MAX:
            raise http.client.IncompleteRead(b"", response.length)
        return response.status, b"".join(pieces)
    finally:
        connection.close()
