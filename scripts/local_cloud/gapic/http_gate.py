"""A place between HTTP requests to a server that is not ours and its answers, like the one between calls of our own."""

import http.client
import json
import select
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from scripts.local_cloud.gapic.interception import Call, Intercept
from scripts.local_cloud.gapic.rest_server import HTTP_STATUS
from scripts.local_cloud.gapic.table import Fail

HOST = "127.0.0.1"
ANSWER_SECONDS_MAX = 60.0
_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})

Answer = tuple[int, list[tuple[str, str]], bytes]


class HttpGate:
    """Passes every request on to `target` (a URL) through `intercept`; a call's method is its verb, "get" or "post"."""

    def __init__(self, target: str, intercept: Intercept) -> None:
        address = urlsplit(target).netloc

        class Handler(_Gate):
            gate_target = address
            gate_intercept = staticmethod(intercept)

        self._server = _Server((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="http-gate")
        self.url = f"http://{HOST}:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hung up does not wait for an answer; every other error is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Gate(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    gate_target: str
    gate_intercept: Intercept

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = Call(
            method=self.command.lower(),
            request=self.path,
            peer_port=self.client_address[1],
            hung_up=lambda seconds: _hung_up(self.connection, seconds),
        )
        try:
            status, headers, content = self.gate_intercept(call, lambda: self._ask(body))
        except Fail as failure:
            status, headers = HTTP_STATUS[failure.code.name], [("Content-Type", "application/json")]
            content = json.dumps({"error": {"code": status, "message": failure.message}}).encode()
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _pass  # noqa: N815  the base class looks them up by these names

    def _ask(self, body: bytes) -> Answer:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_CONNECTION}
        connection = http.client.HTTPConnection(self.gate_target, timeout=ANSWER_SECONDS_MAX)
        try:
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            kept = [(name, value) for name, value in response.getheaders() if name.lower() not in _OF_THE_CONNECTION]
            return response.status, kept, response.read()
        finally:
            connection.close()

    def log_message(self, *_arguments: Any) -> None:
        """The server behind it keeps a log of its own."""


def _hung_up(connection: socket.socket, seconds: float) -> bool:
    """Nothing more is sent while an answer is awaited: what can be read then is the end."""
    until = time.monotonic() + seconds
    watch = select.poll()
    watch.register(connection, select.POLLIN)
    while True:
        left = max(0.0, until - time.monotonic())
        if watch.poll(left * 1000):
            try:
                return not connection.recv(1, socket.MSG_PEEK)
            except ConnectionError:
                return True
        if not left:
            return False
