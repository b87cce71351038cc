"""Container Analysis v1 on loopback: occurrences by image, as the scan and the pipeline write them.

What IAM on a note guards is not played: whoever reaches the port may write.
https://cloud.google.com/artifact-analysis/docs/reference/rest/v1/projects.occurrences
"""

import re
import threading
from collections.abc import Callable
from typing import Any

import grpc

from scripts.local_cloud.gapic.rest_server import RestServer, Route, path_pattern, serve_rest
from scripts.local_cloud.gapic.table import Fail

_Json = dict[str, Any]
_ROUTES = (
    ("GET", "/v1/projects/{project}/occurrences", "list_occurrences"),
    ("POST", "/v1/projects/{project}/occurrences", "create_occurrence"),
    ("GET", "/v1/projects/{project}/notes/{note}/occurrences", "list_note_occurrences"),
)
_KINDS = {"attestation": "ATTESTATION", "discovery": "DISCOVERY", "vulnerability": "VULNERABILITY"}
_FIELDS = {"resourceUrl": "resourceUri", "kind": "kind"}
_CONDITION = re.compile(r'(\w+)\s*=\s*"([^"]*)"')
PAGE_SIZE_MAX = 1000  # what is asked beyond it is cut to it


class ContainerAnalysis:
    """Every occurrence that was created, in order."""

    def __init__(self) -> None:
        self._rows: list[_Json] = []
        self._lock = threading.Lock()
        self._server: RestServer | None = None
        self.port = 0

    def start(self) -> None:
        routes = [
            Route(verb=verb, path=path_pattern(path), body="*" if verb == "POST" else "", name=name, request=None)
            for verb, path, name in _ROUTES
        ]
        self._server, self.port = serve_rest([(routes, self)])

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def attest(self, reference: str, note: str, project: str) -> None:
        """As the pipeline does for an image that it has built and pushed."""
        attestation = {"serializedPayload": "", "signatures": [{"publicKeyId": "local"}]}
        self._add(project, {"resourceUri": f"https://{reference}", "noteName": note, "attestation": attestation})

    def scanned(
        self, reference: str, *found: _Json, status: str = "FINISHED_SUCCESS", activity: str = "ACTIVE"
    ) -> None:
        """As the registry's scanner does. found: each a vulnerability, with its name as "id"."""
        project, uri = reference.split("/")[1], f"https://{reference}"
        discovery = {"analysisStatus": status, "continuousAnalysis": activity}
        note = "projects/goog-analysis/notes/PACKAGE_VULNERABILITY"
        self._add(project, {"resourceUri": uri, "noteName": note, "discovery": discovery})
        for row in found:
            details = {name: value for name, value in row.items() if name != "id"}
            note = f"projects/goog-vulnz/notes/{row['id']}"
            self._add(project, {"resourceUri": uri, "noteName": note, "vulnerability": details})

    def create_occurrence(self, request: _Json, _: object) -> _Json:
        return self._add(request["project"], {key: value for key, value in request.items() if key != "project"})

    def list_occurrences(self, request: _Json, _: object) -> _Json:
        prefix = f"projects/{request['project']}/occurrences/"
        return self._page(request, lambda row: row["name"].startswith(prefix))

    def list_note_occurrences(self, request: _Json, _: object) -> _Json:
        note = f"projects/{request['project']}/notes/{request['note']}"
        return self._page(request, lambda row: row["noteName"] == note)

    def _add(self, project: str, row: _Json) -> _Json:
        kind = next(word for field, word in _KINDS.items() if field in row)
        with self._lock:
            whole = {"name": f"projects/{project}/occurrences/{len(self._rows) + 1}", "kind": kind, **row}
            self._rows.append(whole)
        return whole

    def _page(self, request: _Json, belongs: Callable[[_Json], bool]) -> _Json:
        wanted = _conditions(request.get("filter", ""))
        with self._lock:
            rows = [row for row in self._rows if belongs(row) and wanted.items() <= row.items()]
        size = min(int(request.get("pageSize") or 20), PAGE_SIZE_MAX)
        start = int(request.get("pageToken") or 0)
        page: _Json = {"occurrences": rows[start : start + size]} if rows[start:] else {}
        if len(rows) > start + size:
            page["nextPageToken"] = str(start + size)
        return page


def _conditions(text: str) -> dict[str, str]:
    """Equalities joined by AND. Raises Fail for any other filter."""
    found = {}
    for part in filter(None, text.split(" AND ")):
        match = _CONDITION.fullmatch(part.strip())
        if match is None or match[1] not in _FIELDS:
            raise Fail(grpc.StatusCode.INVALID_ARGUMENT, f"cannot filter by {part}")
        found[_FIELDS[match[1]]] = match[2]
    return found
