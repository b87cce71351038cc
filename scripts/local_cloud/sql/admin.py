"""Cloud SQL Admin v1 on loopback: each instance is a real PostgreSQL, exports are real dumps, imports real restores.

As the real one: a call answers with an operation at once; one operation runs per instance, beside which only an
offloaded export may run; an object that exists fails the operation and not the call.
https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1
"""

import gzip
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc

from scripts.local_cloud.gapic.rest_server import RestServer, Route, path_pattern, serve_rest
from scripts.local_cloud.gapic.table import Fail
from scripts.local_cloud.sql.objects import ObjectProblem, Objects
from scripts.local_cloud.sql.operations import Operations, stamp
from scripts.local_cloud.sql.policies import Policies
from scripts.local_cloud.sql.postgres import PostgreSQL

_Json = dict[str, Any]
_INSTANCE = "/v1/projects/{project}/instances/{instance}"
_ROUTES = (
    ("POST", f"{_INSTANCE}/export", "export"),
    ("POST", f"{_INSTANCE}/import", "load"),
    ("POST", f"{_INSTANCE}/databases", "create_database"),
    ("GET", f"{_INSTANCE}/databases", "list_databases"),
    ("GET", f"{_INSTANCE}/backupRuns", "list_backup_runs"),
    ("GET", _INSTANCE, "get_instance"),
    ("DELETE", _INSTANCE, "delete_instance"),
    ("POST", "/v1/projects/{project}/instances", "create_instance"),
    ("GET", "/v1/projects/{project}/instances", "list_instances"),
    ("GET", "/v1/projects/{project}/operations/{operation}", "get_operation"),
    ("GET", "/v1/projects/{project}/operations", "list_operations"),
)
_POLICY = "/storage/v1/b/{bucket}/iam"
_POLICY_ROUTES = (("GET", _POLICY, "get_policy"), ("PUT", _POLICY, "set_policy"))


class SqlAdmin:
    """storage_url: where gs:// objects live. `hold` and `release` are those of `Operations`."""

    def __init__(self, directory: Path, storage_url: str) -> None:
        self._directory = directory
        self._objects = Objects(storage_url)
        self._lock = threading.RLock()
        self._servers: dict[str, PostgreSQL] = {}
        self._described: dict[str, _Json] = {}
        self._operations = Operations()
        self._backups: dict[str, list[_Json]] = {}
        self._policies = Policies()
        self._spoil: Callable[[bytes], bytes] | None = None
        self._server: RestServer | None = None
        self.port = 0

    def start(self) -> None:
        self._server, self.port = serve_rest([(_routes(_ROUTES), self), (_routes(_POLICY_ROUTES), self._policies)])

    def stop(self) -> None:
        """Operations under way are let end, then every instance stops."""
        if self._server is not None:
            self._server.stop()
        self._operations.end()
        for server in self._servers.values():
            server.stop()
        self._servers.clear()

    def add_instance(self, name: str, *, databases: tuple[str, ...] = ()) -> PostgreSQL:
        """An instance that was there before anybody asked."""
        body: _Json = {"name": name, "databaseVersion": "POSTGRES_18", "region": "africa-south1"}
        backups = {"enabled": True, "pointInTimeRecoveryEnabled": True, "transactionLogRetentionDays": 7}
        settings = {"tier": "db-f1-micro", "backupConfiguration": backups}
        with self._lock:
            self._described[name] = {**body, "settings": settings, "state": "PENDING_CREATE"}
        server = self._run_instance(name)
        for database in databases:
            server.query(f'CREATE DATABASE "{database}"')
        return server

    def set_backups(self, instance: str, **configured: object) -> None:
        """As a person may change an instance. configured: fields of Cloud SQL's backupConfiguration."""
        with self._lock:
            self._described[instance]["settings"]["backupConfiguration"].update(configured)

    def add_backup(
        self, instance: str, ended_at: datetime, status: str = "SUCCESSFUL", kind: str = "AUTOMATED"
    ) -> None:
        """A Cloud SQL backup (never an export). kind: AUTOMATED by the schedule, or ON_DEMAND."""
        row = {"kind": "sql#backupRun", "status": status, "type": kind, "instance": instance}
        with self._lock:
            self._backups.setdefault(instance, []).append({**row, "endTime": stamp(ended_at)})

    def database(self, instance: str) -> PostgreSQL:
        """The server behind an instance. Raises KeyError."""
        return self._servers[instance]

    def hold(self) -> None:
        self._operations.hold()

    def release(self) -> None:
        self._operations.release()

    def spoil_next_export(self, spoil: Callable[[bytes], bytes]) -> None:
        """The next export's file is what `spoil` makes of the good one; its operation ends well nevertheless."""
        self._spoil = spoil

    def swap_operations(self, operations: dict[str, _Json]) -> dict[str, _Json]:
        """Those known so far, by name, for these; none may be under way."""
        return self._operations.swap(operations)

    def get_instance(self, request: _Json, _: object) -> _Json:
        return self._known(request["instance"])

    def list_instances(self, _request: _Json, _: object) -> _Json:
        with self._lock:
            return {"kind": "sql#instancesList", "items": [dict(row) for row in self._described.values()]}

    def create_instance(self, request: _Json, _: object) -> _Json:
        name = request["name"]
        with self._lock:
            if name in self._described:
                raise Fail(grpc.StatusCode.ALREADY_EXISTS, f"The Cloud SQL instance {name} already exists.")
            body = {key: value for key, value in request.items() if key != "project"}
            account = f"p0-{name}@gcp-sa-cloud-sql.iam.gserviceaccount.com"
            row = {"kind": "sql#instance", **body, "serviceAccountEmailAddress": account, "state": "PENDING_CREATE"}
            self._described[name] = row
            return self._operations.begin("CREATE", name, lambda: self._run_instance(name))

    def delete_instance(self, request: _Json, _: object) -> _Json:
        name = request["instance"]
        self._known(name)
        return self._operations.begin("DELETE", name, lambda: self._remove(name))

    def create_database(self, request: _Json, _: object) -> _Json:
        instance, database = request["instance"], request["name"]
        self._known(instance)
        work = lambda: self._servers[instance].query(f'CREATE DATABASE "{database}"')  # noqa: E731
        return self._operations.begin("CREATE_DATABASE", instance, work)

    def list_databases(self, request: _Json, _: object) -> _Json:
        self._known(request["instance"])
        names = self._servers[request["instance"]].query("SELECT datname FROM pg_database WHERE NOT datistemplate")
        return {"kind": "sql#databasesList", "items": [{"name": name} for name in names.split()]}

    def list_backup_runs(self, request: _Json, _: object) -> _Json:
        self._known(request["instance"])
        return {"kind": "sql#backupRunsList", "items": list(reversed(self._backups.get(request["instance"], [])))}

    def export(self, request: _Json, _: object) -> _Json:
        instance, context = request["instance"], request["exportContext"]
        self._known(instance)
        return self._operations.begin(
            "EXPORT", instance, lambda: self._export(instance, context), exportContext=context
        )

    def load(self, request: _Json, _: object) -> _Json:
        instance, context = request["instance"], request["importContext"]
        self._known(instance)
        return self._operations.begin("IMPORT", instance, lambda: self._load(instance, context), importContext=context)

    def get_operation(self, request: _Json, _: object) -> _Json:
        return self._operations.get(request["operation"])

    def list_operations(self, request: _Json, _: object) -> _Json:
        rows = self._operations.of(request.get("instance", ""))
        return {"kind": "sql#operationsList", "items": rows[: int(request.get("maxResults", 100))]}

    def _known(self, name: str) -> _Json:
        with self._lock:
            if name not in self._described:
                raise Fail(grpc.StatusCode.NOT_FOUND, "The Cloud SQL instance does not exist.")
            return dict(self._described[name])

    def _run_instance(self, name: str) -> PostgreSQL:
        server = PostgreSQL(self._directory / f"{name}.log")
        server.start()
        with self._lock:
            self._servers[name] = server
            self._described[name]["state"] = "RUNNABLE"
        return server

    def _remove(self, name: str) -> None:
        self._servers.pop(name).stop()
        with self._lock:
            del self._described[name]

    def _must_be_admitted(self, instance: str, uri: str) -> None:
        """An instance that was made by a call has an account of its own, which at first may do nothing."""
        account = self._known(instance).get("serviceAccountEmailAddress")
        if account:
            self._policies.check(account, uri)

    def _export(self, instance: str, context: _Json) -> None:
        self._must_be_admitted(instance, context["uri"])
        server, uri, [database] = self._servers[instance], context["uri"], context["databases"]
        if context["fileType"] == "CSV":
            content = server.csv(context["csvExportOptions"]["selectQuery"], database)
        else:
            content = server.dump(database)
        content = gzip.compress(content, 1) if uri.endswith(".gz") else content
        if self._spoil is not None and context["fileType"] == "SQL":
            content, self._spoil = self._spoil(content), None
        self._objects.write(uri, content)

    def _load(self, instance: str, context: _Json) -> None:
        self._must_be_admitted(instance, context["uri"])
        content = self._objects.read(context["uri"])
        try:
            sql = gzip.decompress(content) if context["uri"].endswith(".gz") else content
        except (OSError, EOFError) as error:
            raise ObjectProblem(f"{context['uri']} cannot be unfolded: {error}") from error
        self._servers[instance].restore(sql, context["database"])


def _routes(rows: Iterable[tuple[str, str, str]]) -> list[Route]:
    return [
        Route(verb=verb, path=path_pattern(path), body="*" if verb in ("POST", "PUT") else "", name=name, request=None)
        for verb, path, name in rows
    ]
