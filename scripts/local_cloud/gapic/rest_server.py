"""Plain objects served over HTTP and JSON at the routes a GAPIC client calls."""

import json
import re
import socket
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import grpc
from google.protobuf import json_format

from scripts.local_cloud.gapic.table import OPERATIONS_TABLE, Fail, Table, plain, snake_case

HOST = "127.0.0.1"

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
}
"""google.rpc.Code to HTTP, as google/rpc/code.proto says."""

SYSTEM_PARAMETERS = {"alt", "prettyPrint", "fields", "key", "access_token", "oauth_token", "quotaUser", "callback"}
"""Query parameters every Google API takes and that are no part of the request message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One `google.api.http` binding. `body` is "*", a field's name, or empty for none.

    request: its message type, or None for an API without messages, whose methods take and give JSON as it is.
    """

    verb: str
    path: re.Pattern[str]
    body: str
    name: str
    request: Any

    def read_request(self, fields: Mapping[str, str], query: str, body: bytes) -> Any:
        """Raises json_format.ParseError or ValueError when body or query do not fit the message."""
        content: dict[str, Any] = {}
        if self.body == "*":
            content = json.loads(body or b"{}")
        elif self.body:
            content[self.body] = json.loads(body or b"{}")
        if not isinstance(content, dict):
            raise json_format.ParseError("the body is not a JSON object")
        if self.request is None:
            return content | dict(parse_qsl(query)) | dict(fields)
        proto = self.request.pb() if hasattr(self.request, "pb") else self.request
        for field, value in fields.items():
            _put(content, field.split("__"), value)
        for field, value in parse_qsl(query):
            if not field.startswith("$") and field not in SYSTEM_PARAMETERS:
                path = field.split(".")
                _put(content, path, _typed(proto.DESCRIPTOR, path, value), repeated=True)
        message = json_format.ParseDict(content, proto())
        return self.request.wrap(message) if hasattr(self.request, "wrap") else message


def _typed(message: Any, path: Sequence[str], value: str) -> Any:
    """A query's value as JSON has it: of all the kinds a field can have, only a boolean may not stand in quotes."""
    field = next((row for row in message.fields if path[0] in (row.json_name, row.name)), None)
    if field is None:
        return value
    if field.message_type is not None and len(path) > 1:
        return _typed(field.message_type, path[1:], value)
    return {"true": True, "false": False}.get(value, value) if field.type == field.TYPE_BOOL else value


def _put(content: dict[str, Any], path: Sequence[str], value: Any, *, repeated: bool = False) -> None:
    for part in path[:-1]:
        content = content.setdefault(part, {})
    before = content.get(path[-1])
    if before is None or not repeated:
        content[path[-1]] = value
    else:
        content[path[-1]] = [*(before if isinstance(before, list) else [before]), value]


def path_pattern(template: str) -> re.Pattern[str]:
    """`/v1/{topic.name=projects/*/topics/*}` as a pattern with a group per field, dots written `__`."""
    pattern, position = "", 0
    for variable in re.finditer(r"\{([\w.]+)(?:=([^}]*))?\}", template):
        segments = re.split(r"(\*\*|\*)", variable[2] or "*")
        inside = "".join({"**": ".+", "*": "[^/]+"}.get(part, re.escape(part)) for part in segments)
        pattern += re.escape(template[position : variable.start()])
        pattern += f"(?P<{variable[1].replace('.', '__')}>{inside})"
        position = variable.end()
    return re.compile(pattern + re.escape(template[position:]) + "$")


def rest_routes(rest_base_class: Any, table: Table) -> list[Route]:
    """Every route of a GAPIC `_BaseXRestTransport`, most literal path first."""
    requests = {method.name: method.request for method in table.values() if not method.streaming}
    routes: list[tuple[int, Route]] = []
    for attribute in dir(rest_base_class):
        name = snake_case(attribute.removeprefix("_Base"))
        if not attribute.startswith("_Base") or name not in requests:
            continue
        for option in getattr(rest_base_class, attribute)._get_http_options():  # noqa: SLF001  kept nowhere else
            route = Route(
                verb=option["method"].upper(),
                path=path_pattern(option["uri"]),
                body=option.get("body") or "",
                name=name,
                request=requests[name],
            )
            routes.append((len(option["uri"]), route))
    return [route for _length, route in sorted(routes, key=lambda row: -row[0])]


OPERATION_ROUTES: list[Route] = [
    Route(
        verb=verb,
        path=path_pattern(f"/v2/{{name=projects/*/locations/*/operations/*}}{suffix}"),
        body=body,
        name=method.name,
        request=method.request,
    )
    for method in OPERATIONS_TABLE.values()
    for verb, suffix, body in [("POST", ":wait", "*") if method.name == "wait_operation" else ("GET", "", "")]
]
"""Where v2 APIs keep their long-running operations."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    routed: Sequence[tuple[Route, object]] = ()

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002  the base class names it so

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        try:
            status, content = 200, self._dispatch(body)
        except Fail as failure:
            status, content = _error(failure.code.name, failure.message)
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=UTF-8")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _answer  # noqa: N815  the base class looks them up by these names

    def _dispatch(self, body: bytes) -> bytes:
        address = urlsplit(self.path)
        path = unquote(address.path)
        for route, implementation in self.routed:
            found = route.path.match(path) if route.verb == self.command else None
            if found is None:
                continue
            try:
                request = route.read_request(found.groupdict(), address.query, body)
            except (json_format.ParseError, ValueError) as error:
                raise Fail(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error
            response = getattr(implementation, route.name)(request, dict(self.headers))
            if route.request is None:
                return json.dumps(response).encode()
            return json_format.MessageToJson(plain(response), indent=None).encode()
        raise Fail(grpc.StatusCode.NOT_FOUND, f"no route for {self.command} {path}")


def _error(status: str, message: str) -> tuple[int, bytes]:
    code = HTTP_STATUS[status]
    return code, json.dumps({"error": {"code": code, "message": message, "status": status}}).encode()


class RestServer(ThreadingHTTPServer):
    """A server that ends whole: `stop` also closes the connections clients keep open."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._stopping = False
        super().__init__((HOST, port), handler)
        self._loop = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="rest")
        self._loop.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
            if self._stopping:
                _hang_up(request)
        super().process_request_thread(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in mid-answer is no error of the server; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.shutdown()
        self._loop.join()
        with self._open_lock:
            self._stopping = True
            for connection in self._open:
                _hang_up(connection)
        self.server_close()


def _hang_up(connection: socket.socket) -> None:
    """Ends reading, so that a thread waiting for the next request ends and one that is answering still may."""
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        return  # the other side was faster


def serve_rest(routed: Iterable[tuple[Iterable[Route], object]], port: int = 0) -> tuple[RestServer, int]:
    """A started server on loopback and its port; end it with `server.stop()`."""
    rows = [(route, served) for routes, served in routed for route in routes if hasattr(served, route.name)]
    server = RestServer(port, type("Handler", (_Handler,), {"routed": rows}))
    return server, int(server.server_address[1])
