"""One loopback address to look at a running local cloud and to play with it: status, push, command.

A state file in the work directory tells where it listens.
"""

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

STATE_FILE = "local-cloud.json"
ANSWER_SECONDS_MAX = 20.0
JSON = "application/json"

Wish = Callable[[dict[str, Any]], dict[str, Any]]


class NotRunning(RuntimeError):
    """No local cloud answers for this work directory."""


class Refused(RuntimeError):
    """The local cloud did not do what it was asked, and says why."""


class Control:
    """Serves the answers of `wishes`: the function at "status" takes {} and answers GET, the others POST.

    A wish raises ValueError or KeyError for what it cannot understand.
    """

    def __init__(self, wishes: Mapping[str, Wish], directory: Path) -> None:
        self._state_file = directory / STATE_FILE
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(dict(wishes)))
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="control")

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()
        self._state_file.write_text(json.dumps({"endpoint": self.uri}))

    def stop(self) -> None:
        self._state_file.unlink(missing_ok=True)
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def _handler(wishes: dict[str, Wish]) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("status" if self.path == "/status" else "", {})

        def do_POST(self) -> None:
            # A web page can post forms to any address, but not JSON.
            if self.headers.get("Content-Type") != JSON:
                self._send(415, {"error": f"the body must be {JSON}"})
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                asked = json.loads(body)
            except ValueError as error:
                self._send(400, {"error": f"not JSON: {error}"})
                return
            self._answer(self.path.removeprefix("/"), asked)

        def _answer(self, name: str, asked: dict[str, Any]) -> None:
            wish = wishes.get(name)
            if wish is None:
                self._send(404, {"error": f"there is {', '.join(sorted(wishes))}"})
                return
            try:
                self._send(200, wish(asked))
            except (ValueError, KeyError) as error:
                self._send(400, {"error": f"{type(error).__name__}: {error}"})

        def _send(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer, default=str).encode()
            self.send_response(status)
            self.send_header("Content-Type", JSON)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
            """Nothing: what is asked here is no news."""

    return Answers


def ask(directory: Path, name: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer of the local cloud that runs in `directory`. Raises NotRunning, Refused."""
    state_file = directory / STATE_FILE
    if not state_file.exists():
        raise NotRunning(f"no local cloud runs in {directory}")
    address = urlsplit(str(json.loads(state_file.read_text())["endpoint"])).netloc
    connection = http.client.HTTPConnection(address, timeout=ANSWER_SECONDS_MAX)
    try:
        if details is None:
            connection.request("GET", f"/{name}")
        else:
            connection.request("POST", f"/{name}", json.dumps(details), {"Content-Type": JSON})
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except OSError as error:
        raise NotRunning(f"the local cloud of {directory} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise Refused(str(answer.get("error")))
    return answer
