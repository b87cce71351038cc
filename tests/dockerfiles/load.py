"""Clients in a loop against one instance, and what became of every request while the instance was told to end.

A request fails when its connection was made before SIGTERM, or was taken after it, and no whole answer below 500 came.
Not a failure: after SIGTERM, a connection that is refused, or closed before anything was answered on it. Cloud Run
sends an instance no new requests by then, and a load balancer that meets a closed door goes to the next.
"""

import asyncio
import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import aiohttp

KEPT_CONNECTIONS = 6
NEW_CONNECTIONS = 3
WARM_UP_REQUESTS = 20  # of each client, before anything is told to end
SECONDS_MAX = 15.0


@dataclass(slots=True)
class Tally:
    answered: int = 0
    after_sigterm: int = 0
    turned_away: int = 0
    failed: list[str] = field(default_factory=list)


class Load:
    """A context manager; `sigterm` is called when the instance is told to end."""

    def __init__(self, port: int, paths: tuple[str, ...]) -> None:
        self._port = port
        self._told: float | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.tally = Tally()
        kinds = [True] * KEPT_CONNECTIONS + [False] * NEW_CONNECTIONS
        self._clients = [
            threading.Thread(target=self._loop, args=(paths[index % len(paths)], kept), daemon=True)
            for index, kept in enumerate(kinds)
        ]

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        deadline = time.monotonic() + SECONDS_MAX
        while self.tally.answered < WARM_UP_REQUESTS * len(self._clients):
            assert time.monotonic() < deadline, self.tally
            assert not self.tally.failed, self.tally
            self._over.wait(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for client in self._clients:
            client.join(SECONDS_MAX)

    def sigterm(self) -> None:
        """From now on the instance may turn new connections away."""
        self._told = time.monotonic()

    def _loop(self, path: str, kept: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._over.is_set():
            made = time.monotonic()
            fresh = connection is None
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS_MAX)
                    connection.connect()
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                if fresh and self._told is not None and made >= self._told:
                    self._count(turned_away=1)
                else:
                    when = "before SIGTERM" if self._told is None else "after SIGTERM"
                    self._fail(f"{path}: {error!r} on a {'new' if fresh else 'kept'} connection, {when}")
                return
            if answer.status >= 500:
                self._fail(f"{path}: status {answer.status}")
            self._count(answered=1)
            if not kept or answer.will_close:
                connection.close()
                connection = None

    def _count(self, *, answered: int = 0, turned_away: int = 0) -> None:
        with self._lock:
            self.tally.answered += answered
            self.tally.after_sigterm += answered if self._told is not None else 0
            self.tally.turned_away += turned_away

    def _fail(self, why: str) -> None:
        with self._lock:
            self.tally.failed.append(why)


class OpenSocket:
    """A WebSocket that listens until it is closed. opened: set when the server has greeted; code: how it was closed."""

    def __init__(self, url: str) -> None:
        self.opened = threading.Event()
        self.code: int | None = None
        self.heard: list[str] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen(url)), daemon=True)
        self._thread.start()

    def closed(self) -> int | None:
        """The code, once the server has closed."""
        self._thread.join(SECONDS_MAX)
        return self.code

    async def _listen(self, url: str) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            async for message in socket:
                self.heard.append(str(message.data))
                self.opened.set()
            self.code = socket.close_code


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not true():
        assert time.monotonic() < deadline, f"not within {SECONDS_MAX:g} s: {what}"
        time.sleep(0.02)
