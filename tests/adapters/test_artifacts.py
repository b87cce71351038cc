"""Container Analysis over the wire, against a stand-in; the fake of the handlers' tests answers alike."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials

from scripts.local_cloud.container_analysis import ContainerAnalysis as Server
from scripts.local_cloud.gapic.rest_server import RestServer
from shared.adapters import artifacts
from shared.adapters.artifacts import ContainerAnalysis
from shared.errors import Unavailable
from shared.ports import Artifacts
from shared.rollout.supply import Scan, ScanState, Vulnerability, VulnerabilitySeverity
from tests.fakes.artifacts import FakeArtifacts

IMAGE = "europe-west1-docker.pkg.dev/pushnchat-registry/apps/frontend"
REFERENCE, OTHER = f"{IMAGE}@sha256:{'a' * 64}", f"{IMAGE}@sha256:{'b' * 64}"
NOTE = "projects/pushnchat-registry/notes/built-by-pipeline"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def known(server: Server) -> Iterator[ContainerAnalysis]:
    made = ContainerAnalysis(f"127.0.0.1:{server.port}")
    yield made
    made.close()


@pytest.mark.parametrize("project", ["pushnchat-registry", "somewhere-else"])
def test_an_attestation_counts_for_its_image_and_note_wherever_it_lies(
    server: Server, known: ContainerAnalysis, project: str
) -> None:
    assert not known.attested(REFERENCE, NOTE)
    server.attest(OTHER, NOTE, project)
    server.attest(REFERENCE, f"{NOTE}-by-somebody", project)
    assert not known.attested(REFERENCE, NOTE)
    server.attest(REFERENCE, NOTE, project)
    assert known.attested(REFERENCE, NOTE)


def test_what_else_hangs_on_the_note_is_no_attestation(server: Server, known: ContainerAnalysis) -> None:
    row = {"resourceUri": f"https://{REFERENCE}", "noteName": NOTE, "discovery": {}}
    address = f"http://127.0.0.1:{server.port}/v1/projects/p/occurrences"
    assert requests.post(address, json=row, timeout=5).status_code == 200
    assert not known.attested(REFERENCE, NOTE)


@pytest.mark.parametrize(
    ("status", "activity", "state"),
    [
        ("ANALYSIS_STATUS_UNSPECIFIED", "ACTIVE", ScanState.RUNNING),
        ("PENDING", "ACTIVE", ScanState.RUNNING),
        ("SCANNING", "ACTIVE", ScanState.RUNNING),
        ("A_STATUS_OF_TOMORROW", "ACTIVE", ScanState.RUNNING),
        ("FINISHED_SUCCESS", "ACTIVE", ScanState.FINISHED),
        ("FINISHED_SUCCESS", "CONTINUOUS_ANALYSIS_UNSPECIFIED", ScanState.FINISHED),
        ("COMPLETE", "ACTIVE", ScanState.FINISHED),
        ("FINISHED_SUCCESS", "INACTIVE", ScanState.STALE),
        ("FINISHED_FAILED", "ACTIVE", ScanState.FAILED),
        ("FINISHED_UNSUPPORTED", "ACTIVE", ScanState.UNSUPPORTED),
    ],
)
def test_how_far_a_scan_is(
    server: Server, known: ContainerAnalysis, status: str, activity: str, state: ScanState
) -> None:
    assert known.scan(REFERENCE) == Scan(ScanState.NONE)
    server.scanned(OTHER)
    assert known.scan(REFERENCE) == Scan(ScanState.NONE)
    server.scanned(REFERENCE, status=status, activity=activity)
    assert known.scan(REFERENCE).state is state


def test_of_several_kinds_of_scan_the_least_finished_counts(server: Server, known: ContainerAnalysis) -> None:
    server.scanned(REFERENCE)
    server.scanned(REFERENCE, status="SCANNING")
    assert known.scan(REFERENCE).state is ScanState.RUNNING


def test_what_a_scan_found_by_name_and_by_the_distributions_own_grade(server: Server, known: ContainerAnalysis) -> None:
    server.scanned(
        REFERENCE,
        {
            "id": "CVE-2026-1",
            "severity": "CRITICAL",
            "effectiveSeverity": "LOW",
            "fixAvailable": True,
            "packageIssue": [{"affectedPackage": "openssl"}],
        },
        {"id": "CVE-2026-2", "severity": "HIGH", "effectiveSeverity": "SEVERITY_UNSPECIFIED"},
        {"id": "CVE-2026-3"},
    )
    assert known.scan(REFERENCE).vulnerabilities == (
        Vulnerability("CVE-2026-1", VulnerabilitySeverity.LOW, fixable=True, package="openssl"),
        Vulnerability("CVE-2026-2", VulnerabilitySeverity.HIGH),
        Vulnerability("CVE-2026-3", VulnerabilitySeverity.MINIMAL),
    )


def test_every_page_is_read(server: Server, known: ContainerAnalysis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "PAGE_SIZE", 2)
    server.scanned(REFERENCE, *({"id": f"CVE-{n}"} for n in range(5)))
    assert len(known.scan(REFERENCE).vulnerabilities) == 5
    monkeypatch.setattr(artifacts, "PAGES_MAX", 2)
    with pytest.raises(Unavailable, match="more than 2 pages"):
        known.scan(REFERENCE)


def test_a_server_that_is_gone_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable, match="does not answer"):
        ContainerAnalysis(f"127.0.0.1:{port}").scan(REFERENCE)


@pytest.mark.parametrize(
    ("status", "error", "attempts"), [(503, Unavailable, 3), (429, Unavailable, 3), (403, requests.HTTPError, 1)]
)
def test_a_failure_in_passing_is_tried_again_and_a_missing_right_is_our_bug(
    status: int, error: type[Exception], attempts: int
) -> None:
    asked: list[str] = []

    class Failing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    failing = RestServer(0, Failing)
    try:
        with pytest.raises(error):
            ContainerAnalysis(f"127.0.0.1:{failing.server_address[1]}").attested(REFERENCE, NOTE)
    finally:
        failing.stop()
    assert len(asked) == attempts


def test_googles_own_is_asked_with_the_functions_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def identity(scopes: list[str]) -> tuple[AnonymousCredentials, str]:
        asked.append(scopes)
        return AnonymousCredentials(), "p"

    monkeypatch.setattr("google.auth.default", identity)
    made = ContainerAnalysis()
    assert made._session
    made.close()
    assert asked == [["https://www.googleapis.com/auth/cloud-platform"]]


def test_the_fake_answers_as_the_adapter_does(server: Server, known: ContainerAnalysis) -> None:
    fake = FakeArtifacts()
    for port in (known, fake):
        asked: Artifacts = port
        assert asked.scan(REFERENCE) == Scan(ScanState.NONE)
        assert not asked.attested(REFERENCE, NOTE)
    server.attest(REFERENCE, NOTE, "p")
    server.scanned(REFERENCE, {"id": "CVE-1", "severity": "HIGH"})
    fake.attestations.add((REFERENCE, NOTE))
    fake.scans[REFERENCE] = Scan(ScanState.FINISHED, (Vulnerability("CVE-1", VulnerabilitySeverity.HIGH),))
    assert known.scan(REFERENCE) == fake.scan(REFERENCE)
    assert known.attested(REFERENCE, NOTE) is fake.attested(REFERENCE, NOTE) is True
