"""An HTTP endpoint that keeps what it is sent and answers as told."""

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from scripts.local_cloud.gapic.wire import RestServer

PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float
    connection: tuple[str, int]

    @property
    def message(self) -> dict[str, Any]:
        message: dict[str, Any] = self.body["message"]
        return message

    @property
    def text(self) -> str:
        return base64.b64decode(self.message.get("data", "")).decode()


class PushEndpoint:
    """`answer` gives the status for each push, in the push's own thread, after it has been kept."""

    def __init__(self, answer: Callable[[Push], int] = lambda _push: 204) -> None:
        self.answer = answer
        self.pushes: list[Push] = []
        self._changed = threading.Condition()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = endpoint._keep(
                    Push(
                        path=self.path,
                        headers=headers,
                        body=body,
                        at=time.monotonic(),
                        connection=self.client_address,
                    )
                )
                self.send_response(status)
                if status >= 200 and status != 204:
                    self.send_header("content-length", "0")
                self.end_headers()
                if status < 200:  # an interim status: no final one follows here
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002  the base class names it so

        self._server = RestServer(0, Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _keep(self, push: Push) -> int:
        with self._changed:
            self.pushes.append(push)
            self._changed.notify_all()
        return self.answer(push)

    def wait_for(self, count: int, seconds: float = PATIENCE_SECONDS) -> list[Push]:
        """The first so many pushes, once they are here."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.pushes) >= count, seconds)
            assert arrived, f"{len(self.pushes)} pushes instead of {count} within {seconds} s"
            return self.pushes[:count]

    def stop(self) -> None:
        self._server.stop()
