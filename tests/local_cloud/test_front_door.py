"""The local load balancer: by path to a service or to a bucket, as Google's would."""

from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests

from scripts.local_cloud.assembly import started
from scripts.local_cloud.assets import AssetsBucket
from scripts.local_cloud.data_plane.front_door import CACHE_CONTROL, FrontDoor
from scripts.local_cloud.gapic.rest_server import RestServer
from scripts.local_cloud.storage import FakeGcs

CHUNK = "_next/static/chunks/a b~1.js"


def service(parts: ExitStack, name: str) -> str:
    """A server that says its name and the path it was asked for."""

    class Named(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = f"{name} {self.path}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    server = RestServer(0, Named)
    parts.callback(server.stop)
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[str]:
    with ExitStack() as parts:
        storage = started(parts, FakeGcs("assets"))
        bucket = AssetsBucket(storage.url, "assets")
        parts.callback(bucket.close)
        bucket.upload({CHUNK: b"chat()"})
        services = {
            "/*": service(parts, "frontend"),
            "/rooms/*": service(parts, "backend"),
            "/ws": service(parts, "sockets"),
        }
        made = FrontDoor(services, {"/_next/static/*": "assets"}, storage_url=storage.url, log=tmp_path / "door.log")
        yield started(parts, made).uri


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", "frontend /"),
        ("/rooms", "frontend /rooms"),
        ("/rooms/lobby?after=1", "backend /rooms/lobby?after=1"),
        ("/ws", "sockets /ws"),
        ("/ws/2", "frontend /ws/2"),
    ],
)
def test_the_longest_path_that_matches_says_whose_it_is(door: str, path: str, answer: str) -> None:
    assert requests.get(f"{door}{path}", timeout=5).text == answer


def test_files_come_from_the_bucket_whatever_is_asked_behind_their_name(door: str) -> None:
    answer = requests.get(f"{door}/_next/static/chunks/a%20b~1.js?dpl=one", timeout=5)
    assert (answer.status_code, answer.content) == (200, b"chat()")
    assert answer.headers["Content-Type"] == "text/javascript"
    assert answer.headers["Cache-Control"] == CACHE_CONTROL


def test_a_file_that_is_not_in_the_bucket_is_asked_of_nobody_else(door: str) -> None:
    assert requests.get(f"{door}/_next/static/chunks/none.js", timeout=5).status_code == 404
