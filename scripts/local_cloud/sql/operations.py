"""Cloud SQL's operations: what was asked for is begun at once and ends by itself, well or not."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import grpc

from scripts.local_cloud.gapic.table import Fail
from scripts.local_cloud.sql.objects import ObjectProblem
from scripts.local_cloud.sql.postgres import ProgramFailed

_Json = dict[str, Any]
BUSY = (
    "Operation failed because another operation was already in progress. Try your request after the current operation "
    "is complete."
)


class Operations:
    """Each works in a thread of its own. `hold` keeps them from starting their work until `release`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rows: dict[str, _Json] = {}
        self._workers: list[threading.Thread] = []
        self._gate = threading.Event()
        self._gate.set()

    def hold(self) -> None:
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    def end(self) -> None:
        """Returns when those under way have ended."""
        self.release()
        for worker in self._workers:
            worker.join()

    def get(self, name: str) -> _Json:
        """Raises Fail."""
        with self._lock:
            if name not in self._rows:
                raise Fail(grpc.StatusCode.NOT_FOUND, "The Cloud SQL operation does not exist.")
            return dict(self._rows[name])

    def of(self, instance: str) -> list[_Json]:
        """The newest first; of every instance when none is named."""
        with self._lock:
            return [dict(row) for row in reversed(self._rows.values()) if instance in ("", row["targetId"])]

    def swap(self, rows: dict[str, _Json]) -> dict[str, _Json]:
        """Those known so far, by name, for these; none may be under way."""
        with self._lock:
            known, self._rows = self._rows, rows
        return known

    def begin(self, kind: str, instance: str, work: Callable[[], object], **context: _Json) -> _Json:
        """Raises Fail when another that runs on the instance is in the way."""
        with self._lock:
            offloaded = bool(context.get("exportContext", {}).get("offload"))
            for row in self._rows.values():
                if row["status"] != "DONE" and row["targetId"] == instance and _collide(row, kind, offloaded=offloaded):
                    raise Fail(grpc.StatusCode.ABORTED, BUSY)
            name = str(uuid.uuid4())
            row = {"kind": "sql#operation", "name": name, "operationType": kind, "targetId": instance, **context}
            self._rows[name] = {**row, "status": "PENDING", "insertTime": stamp(datetime.now(UTC))}
            worker = threading.Thread(target=self._work, args=(name, work), name=f"sql-{kind.lower()}")
            self._workers.append(worker)
            answer = dict(self._rows[name])
            worker.start()
            return answer

    def _work(self, name: str, work: Callable[[], object]) -> None:
        self._gate.wait()
        self._change(name, status="RUNNING", startTime=stamp(datetime.now(UTC)))
        problem: _Json = {}
        try:
            work()
        except (ProgramFailed, ObjectProblem, KeyError) as error:
            one = {"kind": "sql#operationError", "code": "ERROR_RDBMS", "message": str(error)}
            problem = {"error": {"kind": "sql#operationErrors", "errors": [one]}}
        self._change(name, status="DONE", endTime=stamp(datetime.now(UTC)), **problem)

    def _change(self, name: str, **fields: Any) -> None:
        with self._lock:
            self._rows[name] = {**self._rows[name], **fields}


def _collide(running: _Json, kind: str, *, offloaded: bool) -> bool:
    """Two exports collide always; an offloaded one runs beside any other operation."""
    if kind == running["operationType"] == "EXPORT":
        return True
    return not (offloaded or running.get("exportContext", {}).get("offload"))


def stamp(at: datetime) -> str:
    """As Cloud SQL writes a time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
