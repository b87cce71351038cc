"""The clients of the steady traffic: an open loop of requests, and WebSockets that want to stay open."""

import asyncio
import json
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, WSMsgType
from aiohttp.client_ws import ClientWebSocketResponse

from scripts.local_cloud.data_plane.splitter import PENDING_SECONDS_MAX

ANSWER_SECONDS_MAX = PENDING_SECONDS_MAX + 5.0  # a request nobody can serve is answered 503 and not given up before
UNDER_WAY_MAX = 2000
KEPT_LATENCIES = 1000
HEARTBEAT_SECONDS = 1.0
RECONNECT_SECONDS = 0.2
PLANNED_CLOSES = frozenset({1001, 1012})  # going away, service restart: the server asks to reconnect


@dataclass(slots=True, kw_only=True)
class Seen:
    """What clients saw of one revision."""

    ok: int = 0
    errors: Counter[int] = field(default_factory=Counter)
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_LATENCIES))

    def to_json(self) -> dict[str, Any]:
        latencies = sorted(self.latencies_ms)
        return {
            "ok": self.ok,
            "errors": {str(status): count for status, count in sorted(self.errors.items())},
            "p50_ms": _quantile(latencies, 0.5),
            "p95_ms": _quantile(latencies, 0.95),
        }


class Clients:
    """A context manager: inside, they run."""

    def __init__(
        self, uri: str, *, path: str, requests_per_second: float, web_sockets: int, web_socket_path: str = "/ws"
    ) -> None:
        self._uri = uri.rstrip("/")
        self._path = path
        self._web_socket_path = web_socket_path
        self._rate = requests_per_second
        self._rate_changed = asyncio.Event()
        self._web_sockets = web_sockets
        self._revisions: dict[str, Seen] = {}
        self._sent = 0
        self._dropped = 0
        self._under_way: set[asyncio.Task[None]] = set()
        self._running: list[asyncio.Task[None]] = []
        self._sockets = Counter[str]()
        self._sockets_by_revision = Counter[str]()
        self._finishing = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._session = ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=60),
            timeout=ClientTimeout(total=ANSWER_SECONDS_MAX),
            cookie_jar=DummyCookieJar(),
        )
        self._running = [asyncio.create_task(self._send())]
        self._running += [asyncio.create_task(self._stay_connected()) for _ in range(self._web_sockets)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.finish()
        await self._session.close()

    def set_rate(self, requests_per_second: float) -> None:
        self._rate = requests_per_second
        self._rate_changed.set()

    async def finish(self) -> None:
        """Sends no more and waits for every answer under way."""
        self._finishing.set()
        self._rate_changed.set()
        await asyncio.gather(*self._running)
        self._running = []
        await asyncio.gather(*self._under_way)

    def snapshot(self) -> dict[str, Any]:
        ok = sum(seen.ok for seen in self._revisions.values())
        errors = sum(seen.errors.total() for seen in self._revisions.values())
        return {
            "sent": self._sent,
            "ok": ok,
            "errors": errors,
            "dropped": self._dropped,
            "under_way": len(self._under_way),
            "revisions": {name: seen.to_json() for name, seen in sorted(self._revisions.items())},
            "websockets": {
                **{
                    name: self._sockets[name]
                    for name in ("open", "opened", "asked_to_reconnect", "unexpected_closes", "refused")
                },
                "revisions": {name: count for name, count in sorted(self._sockets_by_revision.items()) if count},
            },
        }

    async def _send(self) -> None:
        """Request k is due k / rate after the start; those that are late go out at once."""
        while not self._finishing.is_set():
            self._rate_changed.clear()
            started, due = time.monotonic(), 0
            while not self._rate_changed.is_set():
                wait = started + due / self._rate - time.monotonic() if self._rate > 0 else None
                if wait is None or wait > 0:
                    await _event_or_timeout(self._rate_changed, wait)
                    continue
                due += 1
                self._begin_request()
                if due % 50 == 0:
                    await asyncio.sleep(0)

    def _begin_request(self) -> None:
        self._sent += 1
        if len(self._under_way) >= UNDER_WAY_MAX:
            self._dropped += 1
            return
        task = asyncio.create_task(self._request())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _request(self) -> None:
        started = time.monotonic()
        try:
            async with self._session.get(self._uri + self._path) as response:
                body = await response.read()
        except (ClientError, OSError, TimeoutError):
            self._dropped += 1
            return
        seen = self._revisions.setdefault(response.headers.get("x-revision") or _revision(body), Seen())
        if response.status < 400:
            seen.ok += 1
        else:
            seen.errors[response.status] += 1
        seen.latencies_ms.append((time.monotonic() - started) * 1000)

    async def _stay_connected(self) -> None:
        while not self._finishing.is_set():
            try:
                async with self._session.ws_connect(self._uri + self._web_socket_path, heartbeat=30) as socket:
                    await self._converse(socket)
            except (ClientError, OSError, TimeoutError):
                self._sockets["refused"] += 1
            await _event_or_timeout(self._finishing, RECONNECT_SECONDS)

    async def _converse(self, socket: ClientWebSocketResponse) -> None:
        """Says something every second until the server closes, or until the end."""
        self._sockets["opened"] += 1
        self._sockets["open"] += 1
        revision = ""
        beat = asyncio.create_task(self._beat(socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT and not revision:
                    revision = _revision(message.data)
                    self._sockets_by_revision[revision] += 1
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            self._sockets["open"] -= 1
            self._sockets_by_revision[revision] -= 1 if revision else 0
        if self._finishing.is_set():
            return
        self._sockets["asked_to_reconnect" if socket.close_code in PLANNED_CLOSES else "unexpected_closes"] += 1

    async def _beat(self, socket: ClientWebSocketResponse) -> None:
        while not self._finishing.is_set():
            await socket.send_str("beat")
            await _event_or_timeout(self._finishing, HEARTBEAT_SECONDS)
        await socket.close()


async def _event_or_timeout(event: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _quantile(ascending: list[float], share: float) -> float | None:
    if not ascending:
        return None
    return round(ascending[min(len(ascending) - 1, int(share * len(ascending)))], 2)


def _revision(body: bytes | str) -> str:
    """The revision that answered says so in its body, or in a header; the front end's own answers do not."""
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    return str(told.get("revision", "")) if isinstance(told, dict) else ""
