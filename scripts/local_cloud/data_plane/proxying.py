"""One request or WebSocket, passed on to one instance of a revision byte for byte."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum, auto

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    DummyCookieJar,
    TCPConnector,
    WSMsgType,
    WSServerHandshakeError,
    hdrs,
    web,
)
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

REQUEST_TIMEOUT_SECONDS = 300  # Cloud Run's default
IDLE_SECONDS = 4  # below Node's 5, so that no request meets a connection the container is closing
CONNECT_DELAYS_SECONDS = (0.0, 0.05, 0.2)
GOING_AWAY = 1001
ABNORMAL = 1006
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class Failure(IntEnum):
    """What the front end itself answers when the container does not."""

    UNAVAILABLE = 503
    TIMEOUT = 504


class Ending(Enum):
    """How a WebSocket ended: either side closed it; the container refused it; the container vanished."""

    CLOSED = auto()
    REFUSED = auto()
    BROKEN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """failure: the container gave no whole answer, and this is what its request counts as.

    refused: it took no byte of the request, so that another may have it.
    """

    response: web.StreamResponse
    failure: Failure | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    response: web.StreamResponse
    ending: Ending
    opened: bool
    refused: bool = False


def session() -> ClientSession:
    """Adds nothing of its own to what it passes on."""
    return ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
        timeout=ClientTimeout(total=REQUEST_TIMEOUT_SECONDS, sock_connect=5),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers={hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE},
    )


def is_web_socket(request: web.BaseRequest) -> bool:
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"


async def forward(client: ClientSession, request: web.BaseRequest, port: int) -> Passed:
    """Streams the request there and the answer back."""
    try:
        upstream = await _send(client, request, port)
    except TimeoutError:
        return Passed(response=_refusal(Failure.TIMEOUT), failure=Failure.TIMEOUT)
    except (ClientError, OSError) as error:
        refused = isinstance(error, ClientConnectorError)
        return Passed(response=_refusal(Failure.UNAVAILABLE), failure=Failure.UNAVAILABLE, refused=refused)
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=_end_to_end(upstream.headers))
    try:
        return Passed(response=response, failure=await _stream_back(request, upstream, response))
    finally:
        upstream.release()


async def tunnel(client: ClientSession, request: web.BaseRequest, port: int, opened: Callable[[], None]) -> Tunnel:
    """Joins two WebSockets until one side closes; `opened` is called when the container accepted."""
    headers = _forwarded(request)
    for name in [name for name in headers if name.lower().startswith("sec-websocket-")]:
        del headers[name]
    protocols = [one.strip() for one in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",") if one.strip()]
    try:
        upstream = await client.ws_connect(
            _url(request, port), headers=headers, protocols=protocols, autoping=False, autoclose=False, max_msg_size=0
        )
    except WSServerHandshakeError as refusal:
        return Tunnel(response=web.Response(status=refusal.status), ending=Ending.REFUSED, opened=False)
    except (ClientError, OSError, TimeoutError) as error:
        refused = isinstance(error, ClientConnectorError)
        return Tunnel(response=_refusal(Failure.UNAVAILABLE), ending=Ending.BROKEN, opened=False, refused=refused)
    async with upstream:
        downstream = web.WebSocketResponse(
            protocols=(upstream.protocol,) if upstream.protocol else (),
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=0,
        )
        opened()
        try:
            await downstream.prepare(request)
            ending = await _join(upstream, downstream)
        except ConnectionError:  # the client is gone
            ending = Ending.CLOSED
    return Tunnel(response=downstream, ending=ending, opened=True)


async def _send(client: ClientSession, request: web.BaseRequest, port: int) -> ClientResponse:
    """Tries again only while nothing was sent: a refused connection took no byte of the request."""
    for delay in CONNECT_DELAYS_SECONDS[:-1]:
        await asyncio.sleep(delay)
        with contextlib.suppress(ClientConnectorError):
            return await _send_once(client, request, port)
    await asyncio.sleep(CONNECT_DELAYS_SECONDS[-1])
    return await _send_once(client, request, port)


async def _send_once(client: ClientSession, request: web.BaseRequest, port: int) -> ClientResponse:
    return await client.request(
        request.method,
        _url(request, port),
        headers=_forwarded(request),
        data=request.content if request.body_exists else None,
        allow_redirects=False,
    )


async def _stream_back(
    request: web.BaseRequest, upstream: ClientResponse, response: web.StreamResponse
) -> Failure | None:
    try:
        await response.prepare(request)
        while True:
            try:
                chunk = await upstream.content.readany()
            except (ClientError, OSError) as error:
                _cut(request)  # the status is on its way: only a broken connection says that this is not all
                return Failure.TIMEOUT if isinstance(error, TimeoutError) else Failure.UNAVAILABLE
            if not chunk:
                await response.write_eof()
                return None
            await response.write(chunk)
    except ConnectionError:  # the client is gone; the container did its part
        return None


async def _join(upstream: ClientWebSocketResponse, downstream: web.WebSocketResponse) -> Ending:
    to_container = asyncio.create_task(_pump(downstream, upstream))
    to_client = asyncio.create_task(_pump(upstream, downstream))
    done, pending = await asyncio.wait({to_container, to_client}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if to_client in done:
        code = to_client.result()
        await downstream.close(code=GOING_AWAY if code == ABNORMAL else code)
        return Ending.BROKEN if code == ABNORMAL else Ending.CLOSED
    code = to_container.result()
    await upstream.close(code=GOING_AWAY if code == ABNORMAL else code)
    return Ending.CLOSED


async def _pump(
    source: ClientWebSocketResponse | web.WebSocketResponse, target: ClientWebSocketResponse | web.WebSocketResponse
) -> int:
    """Passes messages on until `source` closes; returns its close code, ABNORMAL when it just vanished."""
    while True:
        message = await source.receive()
        try:
            if message.type is WSMsgType.TEXT:
                await target.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)
            elif message.type is WSMsgType.PING:
                await target.ping(message.data)
            elif message.type is WSMsgType.PONG:
                await target.pong(message.data)
            elif message.type is WSMsgType.CLOSE:
                return int(message.data or 1000)
            else:
                return ABNORMAL
        except ConnectionError:  # the other pump sees that `target` is gone
            continue


def _url(request: web.BaseRequest, port: int) -> URL:
    return URL(f"http://127.0.0.1:{port}{request.rel_url.raw_path_qs}", encoded=True)


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for name in headers.get(hdrs.CONNECTION, "").split(",")}
    return CIMultiDict((k, v) for k, v in headers.items() if k.lower() not in HOP_BY_HOP and k.lower() not in named)


def _forwarded(request: web.BaseRequest) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    before = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {request.remote}" if before else str(request.remote)
    headers["X-Forwarded-Proto"] = "http"
    return headers


def _refusal(failure: Failure) -> web.Response:
    return web.Response(
        status=failure, text="upstream request timeout\n" if failure is Failure.TIMEOUT else "no answer\n"
    )


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()
