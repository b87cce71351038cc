"""Container Analysis v1 as plain REST: what hangs on an image, listed by its URL.

Three reads of one JSON API; the typed client would load protobuf and gRPC for them.
https://cloud.google.com/artifact-analysis/docs/reference/rest/v1/projects.occurrences
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

import google.auth
from google.auth.exceptions import TransportError
from google.auth.transport.requests import AuthorizedSession
from requests import RequestException, Session
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from shared.adapters.google_api import CALL_SECONDS
from shared.errors import NotFound, Unavailable
from shared.rollout.supply import Scan, ScanState, Vulnerability, VulnerabilitySeverity

PAGE_SIZE: Final = 1000
PAGES_MAX: Final = 20  # a page has a thousand; an image with more than twenty thousand findings is none we can judge
_NOT_FOUND: Final = 404
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"  # what may be done, roles decide
_PASSING: Final = (408, 429, 500, 502, 503, 504)
_REPEATS: Final = Retry(
    total=2, backoff_factor=0.2, status_forcelist=_PASSING, raise_on_status=False, respect_retry_after_header=False
)
_STATES: Final = {
    "FINISHED_SUCCESS": ScanState.FINISHED,
    "COMPLETE": ScanState.FINISHED,
    "FINISHED_FAILED": ScanState.FAILED,
    "FINISHED_UNSUPPORTED": ScanState.UNSUPPORTED,
}


class ContainerAnalysis:
    """`shared.ports.Artifacts`. endpoint: of a local server, "127.0.0.1:7001", or None for Google's."""

    def __init__(self, endpoint: str | None = None) -> None:
        self._base = f"http://{endpoint}" if endpoint else "https://containeranalysis.googleapis.com"
        self._local = endpoint is not None

    def close(self) -> None:
        if "_session" in self.__dict__:
            self._session.close()

    def attested(self, reference: str, note: str) -> bool:
        """IAM on the note says who may hang anything on it; whose project the attestation lies in does not matter."""
        asked = f'resourceUrl="{_url(reference)}"'
        return any(
            row.get("kind") == "ATTESTATION"
            and row.get("noteName") == note
            and row.get("resourceUri") == _url(reference)
            for row in self._occurrences(note, asked)
        )

    def scan(self, reference: str) -> Scan:
        """Findings are read after the state, so that a scan that ends in between is not called clean."""
        parent = f"projects/{reference.split('/')[1]}"
        about = f'resourceUrl="{_url(reference)}" AND kind='
        state = _state(
            [row["discovery"] for row in self._occurrences(parent, f'{about}"DISCOVERY"') if "discovery" in row]
        )
        if state is not ScanState.FINISHED:
            return Scan(state)
        rows = self._occurrences(parent, f'{about}"VULNERABILITY"')
        return Scan(state, tuple(_vulnerability(row) for row in rows if "vulnerability" in row))

    @cached_property
    def _session(self) -> Session:
        if self._local:
            session = Session()
            session.trust_env = False  # through a proxy it would never arrive
        else:
            session = AuthorizedSession(google.auth.default(scopes=[_SCOPE])[0])
        session.mount(self._base, HTTPAdapter(max_retries=_REPEATS))
        return session

    def _occurrences(self, parent: str, asked: str) -> Iterator[dict[str, Any]]:
        token = ""
        for _ in range(PAGES_MAX):
            body = self._page(parent, {"filter": asked, "pageSize": str(PAGE_SIZE), "pageToken": token})
            yield from body.get("occurrences", ())
            token = body.get("nextPageToken", "")
            if not token:
                return
        raise Unavailable(f"{parent} has more than {PAGES_MAX} pages of {asked}")

    def _page(self, parent: str, query: dict[str, str]) -> dict[str, Any]:
        try:
            answer = self._session.get(f"{self._base}/v1/{parent}/occurrences", params=query, timeout=CALL_SECONDS)
            if answer.status_code in _PASSING:
                raise Unavailable(f"Container Analysis answered {answer.status_code}")
            if answer.status_code == _NOT_FOUND:
                raise NotFound(parent)
            answer.raise_for_status()
            body: dict[str, Any] = answer.json()
        except (RequestException, TransportError) as error:
            if getattr(error, "response", None) is not None:
                raise  # refused: our bug, or a right that is missing
            raise Unavailable(f"Container Analysis does not answer: {error}") from error
        return body


def _url(reference: str) -> str:
    """How Container Analysis names an image."""
    return f"https://{reference}"


def _state(found: list[dict[str, Any]]) -> ScanState:
    """Of several kinds of scan the least finished counts."""
    states = [_one_state(row) for row in found]
    for state in (ScanState.RUNNING, ScanState.FAILED, ScanState.UNSUPPORTED, ScanState.STALE, ScanState.FINISHED):
        if state in states:
            return state
    return ScanState.NONE


def _one_state(row: dict[str, Any]) -> ScanState:
    """INACTIVE: not pulled for thirty days, so that nobody looks for what was found since."""
    state = _STATES.get(row.get("analysisStatus", ""), ScanState.RUNNING)
    return ScanState.STALE if state is ScanState.FINISHED and row.get("continuousAnalysis") == "INACTIVE" else state


def _vulnerability(row: dict[str, Any]) -> Vulnerability:
    found = row["vulnerability"]
    grades = (found.get("effectiveSeverity", ""), found.get("severity", ""))
    known = [VulnerabilitySeverity[grade] for grade in grades if grade in VulnerabilitySeverity.__members__]
    return Vulnerability(
        id=row.get("noteName", "").rpartition("/")[2],
        severity=known[0] if known else VulnerabilitySeverity.MINIMAL,
        fixable=found.get("fixAvailable") is True,
        package=next((issue.get("affectedPackage", "") for issue in found.get("packageIssue", ())), ""),
    )
