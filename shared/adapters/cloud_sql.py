"""Cloud SQL Admin v1 through Google's REST client and the API description it brings along.

The typed client (google-cloud-sql) speaks gRPC only, which this API does not serve. Nothing is fetched to build it.
https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import google.auth
import httplib2
from google.auth.exceptions import TransportError
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build, build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest

from shared.adapters.google_api import CALL_SECONDS
from shared.backup.instance_backups import InstanceBackups
from shared.backup.operations import Operation, OperationKind
from shared.errors import Conflict, NotFound, Throttled, Unavailable

READ_REPEATS: Final = 2  # of a read that failed in passing; the client waits up to 1 s, then 2 s
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"  # what may be done, roles decide
_CONFLICTS: Final = (409, 412)
_PASSING: Final = (408, 500, 502, 503, 504)
_TOO_MANY: Final = 429
_QUOTA: Final = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded")  # answered as 403
_CALLED: Final = {
    "backupRuns": ("list",),
    "databases": ("insert",),
    "instances": ("delete", "export", "get", "import", "insert", "list"),
    "operations": ("get", "list"),
}
_COPIED: Final = ("databaseVersion", "region", "diskEncryptionConfiguration")
_COPIED_ADDRESS: Final = ("ipv4Enabled", "privateNetwork", "sslMode")
_ADMITTED: Final = "roles/storage.objectUser"  # an import reads, an export creates
_COPIED_SETTINGS: Final = ("tier", "edition", "dataDiskSizeGb", "dataDiskType", "databaseFlags")


class CloudSql:
    """`shared.ports.Databases`. endpoint: of a local server, "127.0.0.1:7001", or None for Google's."""

    def __init__(self, project: str, endpoint: str | None = None) -> None:
        self._project = project
        self._endpoint = endpoint

    def export(self, instance: str, database: str, uri: str) -> str:
        return self._export(instance, {"fileType": "SQL", "databases": [database], "uri": uri})

    def export_query(self, instance: str, database: str, query: str, uri: str) -> str:
        csv = {"selectQuery": query}
        return self._export(instance, {"fileType": "CSV", "databases": [database], "uri": uri, "csvExportOptions": csv})

    def load(self, instance: str, database: str, uri: str) -> str:
        body = {"importContext": {"fileType": "SQL", "database": database, "uri": uri}}
        return self._start(self._instances.import_(project=self._project, instance=instance, body=body))

    def create(self, instance: str, like: str) -> str:
        source = self._read(lambda: self._instances.get(project=self._project, instance=like))
        settings = {name: source["settings"][name] for name in _COPIED_SETTINGS if name in source["settings"]}
        address = source["settings"].get("ipConfiguration", {})
        settings["ipConfiguration"] = {name: address[name] for name in _COPIED_ADDRESS if name in address}
        settings |= {"availabilityType": "ZONAL", "backupConfiguration": {"enabled": False}}
        body = {name: source[name] for name in _COPIED if name in source} | {"name": instance, "settings": settings}
        return self._start(self._instances.insert(project=self._project, body=body))

    def admit(self, instance: str, bucket: str) -> None:
        """Members that no longer exist leave the policy with it, for a policy has room for 1500."""
        row = self._read(lambda: self._instances.get(project=self._project, instance=instance))
        member, buckets = f"serviceAccount:{row['serviceAccountEmailAddress']}", self._storage.buckets()
        policy = self._read(lambda: buckets.getIamPolicy(bucket=bucket, optionsRequestedPolicyVersion=3))
        bindings = policy.setdefault("bindings", [])
        own = next((one for one in bindings if one["role"] == _ADMITTED and "condition" not in one), None)
        if own is None:
            own = {"role": _ADMITTED, "members": []}
            bindings.append(own)
        if member in own["members"]:
            return
        own["members"] = [one for one in own["members"] if not one.startswith("deleted:")] + [member]
        self._execute(buckets.setIamPolicy(bucket=bucket, body=policy), repeats=0)

    def create_database(self, instance: str, database: str) -> str:
        body = {"name": database, "charset": "UTF8"}
        return self._start(self._api.databases().insert(project=self._project, instance=instance, body=body))

    def delete(self, instance: str) -> str:
        return self._start(self._instances.delete(project=self._project, instance=instance))

    def instances(self) -> frozenset[str]:
        names: set[str] = set()
        page = None
        while True:
            token = page
            answer = self._read(lambda: self._instances.list(project=self._project, pageToken=token))  # noqa: B023
            names.update(row["name"] for row in answer.get("items", ()))
            page = answer.get("nextPageToken")
            if not page:
                return frozenset(names)

    def operation(self, name: str) -> Operation:
        return _operation(self._read(lambda: self._operations.get(project=self._project, operation=name)))

    def operations(self, instance: str) -> tuple[Operation, ...]:
        answer = self._read(lambda: self._operations.list(project=self._project, instance=instance, maxResults=100))
        return tuple(_operation(row) for row in answer.get("items", ()))

    def newest_backup(self, instance: str) -> datetime | None:
        """One that a person asked for says nothing of tonight's."""
        answer = self._read(
            lambda: self._api.backupRuns().list(project=self._project, instance=instance, maxResults=50)
        )
        rows = (row for row in answer.get("items", ()) if row.get("type") == "AUTOMATED")
        ended = (row["endTime"] for row in rows if row.get("status") == "SUCCESSFUL")
        return max((_moment(at) for at in ended), default=None)

    def backup_settings(self, instance: str) -> InstanceBackups:
        row = self._read(lambda: self._instances.get(project=self._project, instance=instance))
        configured = row.get("settings", {}).get("backupConfiguration", {})
        return InstanceBackups(
            enabled=bool(configured.get("enabled")),
            point_in_time=bool(configured.get("pointInTimeRecoveryEnabled")),
            log_days=int(configured.get("transactionLogRetentionDays", 0)),
        )

    def close(self) -> None:
        for built in ("_api", "_storage"):
            if built in self.__dict__:
                self.__dict__[built].close()

    @cached_property
    def _api(self) -> Any:
        options = {"api_endpoint": f"http://{self._endpoint}"} if self._endpoint else None
        return build_from_document(_called_alone(), http=self._http(), client_options=options)

    @cached_property
    def _storage(self) -> Any:
        """For buckets' policies alone; locally the Cloud SQL server keeps them, for it is what heeds them."""
        options = {"api_endpoint": f"http://{self._endpoint}/storage/v1/"} if self._endpoint else None
        return build("storage", "v1", http=self._http(), client_options=options, static_discovery=True)

    @cached_property
    def _instances(self) -> Any:
        """Made once: the client makes a resource's methods anew, with their documentation, each time it is asked."""
        return self._api.instances()

    @cached_property
    def _operations(self) -> Any:
        return self._api.operations()

    @cached_property
    def _credentials(self) -> Any:
        credentials, _project = google.auth.default(scopes=[_SCOPE])
        return credentials

    def _http(self) -> Any:
        """A fresh one per call, for httplib2 is not safe to share; a local server is not behind a proxy."""
        if self._endpoint:
            return httplib2.Http(timeout=CALL_SECONDS, proxy_info=None)
        return AuthorizedHttp(self._credentials, http=httplib2.Http(timeout=CALL_SECONDS))

    def _export(self, instance: str, context: dict[str, Any]) -> str:
        body = {"exportContext": {**context, "offload": True}}
        return self._start(self._instances.export(project=self._project, instance=instance, body=body))

    def _start(self, request: HttpRequest) -> str:
        """A write is sent once: a lost answer must not start it twice."""
        return str(self._execute(request, repeats=0)["name"])

    def _read(self, request: Callable[[], HttpRequest]) -> dict[str, Any]:
        return self._execute(request(), repeats=READ_REPEATS)

    def _execute(self, request: HttpRequest, *, repeats: int) -> dict[str, Any]:
        http = self._http()
        try:
            answer: dict[str, Any] = request.execute(http=http, num_retries=repeats)
        except HttpError as error:
            raise _our_error(error) from error
        except (OSError, httplib2.HttpLib2Error, TransportError) as error:
            raise Unavailable(f"Cloud SQL: {type(error).__name__}: {error}") from error
        finally:
            http.close()
        return answer


def _called_alone() -> dict[str, Any]:
    """The API's description with what is called here, for the client makes every method of a resource, used or not.

    And it makes their documentation, whose contents are the schemas' fields.
    """
    described: dict[str, Any] = json.loads(get_static_doc("sqladmin", "v1"))
    resources = described["resources"]
    described["resources"] = {
        name: {"methods": {method: resources[name]["methods"][method] for method in methods}}
        for name, methods in _CALLED.items()
    }
    described["schemas"] = {name: {"type": "object"} for name in described["schemas"]}
    return described


def _our_error(error: HttpError) -> Exception:
    """Ours for what the API answers; what has no meaning here stays as it is, for it is our bug."""
    status = int(error.resp.status)
    if status in _CONFLICTS:
        return Conflict(error.reason)
    if status == httplib2.http.client.NOT_FOUND:
        return NotFound(error.reason)
    details = error.error_details if isinstance(error.error_details, list) else []
    if status == _TOO_MANY or any(isinstance(row, dict) and row.get("reason") in _QUOTA for row in details):
        return Throttled(error.reason)
    return Unavailable(error.reason) if status in _PASSING else error


def _operation(row: dict[str, Any]) -> Operation:
    """An operation without its times was accepted and not yet queued; it counts as asked at the epoch, hence late."""
    kind = row.get("operationType", "")
    problems = [f"{one.get('code', '')}: {one.get('message', '')}" for one in row.get("error", {}).get("errors", ())]
    context = row.get("exportContext") or row.get("importContext") or {}
    return Operation(
        name=row["name"],
        kind=OperationKind(kind) if kind in tuple(OperationKind) else OperationKind.OTHER,
        instance=row.get("targetId", ""),
        asked_at=_moment(row["insertTime"]) if "insertTime" in row else datetime.fromtimestamp(0, UTC),
        ended_at=_moment(row["endTime"]) if "endTime" in row else None,
        done=row.get("status") == "DONE",
        problem="; ".join(problems),
        uri=context.get("uri", ""),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
