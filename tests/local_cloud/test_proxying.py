"""What goes through the splitter arrives as it was sent, and what a container breaks is its revision's error."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import (
    ClientConnectorError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ServerDisconnectedError,
    WSServerHandshakeError,
    web,
)

from scripts.local_cloud.data_plane import proxying
from tests.local_cloud.splitting import World, in_a_world


def test_path_query_headers_and_body_arrive_as_they_were_sent() -> None:
    async def scenario(world: World) -> None:
        received: dict[str, Any] = {}

        async def record(request: web.BaseRequest) -> web.StreamResponse:
            received.update(path=request.raw_path, headers=dict(request.headers), body=await request.read())
            response = web.Response(status=201, body=b"\x1f\x8bnot really", headers={"Content-Encoding": "gzip"})
            response.headers.extend([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
            return response

        async def upload() -> AsyncIterator[bytes]:
            for _ in range(64):
                yield b"x" * 16_384

        await world.handler("web-1", record)
        await world.route({"web-1": 100})
        uri = await world.uri()
        async with ClientSession(auto_decompress=False) as client:
            headers = {"X-Mine": "ü", "X-Forwarded-For": "203.0.113.7", "Host": "chat.example.org"}
            async with client.put(f"{uri}/a%2Fb?q=%C3%BC&empty=", headers=headers, data=upload()) as response:
                assert response.status == 201
                assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
                assert await response.read() == b"\x1f\x8bnot really"
        assert received["path"] == "/a%2Fb?q=%C3%BC&empty="
        assert received["body"] == b"x" * 16_384 * 64
        assert received["headers"]["X-Mine"] == "ü"
        assert received["headers"]["Host"] == "chat.example.org"
        assert received["headers"]["X-Forwarded-For"] == "203.0.113.7, 127.0.0.1"

    in_a_world(scenario)


def test_an_answer_is_streamed_as_it_comes() -> None:
    async def scenario(world: World) -> None:
        more = asyncio.Event()

        async def stream(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"first")
            await more.wait()
            await response.write(b"second")
            return response

        await world.handler("web-1", stream)
        await world.route({"web-1": 100})
        async with world.client.get(await world.uri()) as response:
            assert await response.content.readany() == b"first"
            more.set()
            assert await response.content.readany() == b"second"

    in_a_world(scenario)


@pytest.mark.parametrize("path", ["/healthz", "/readyz?deep=1", "/any/quiz"])
def test_paths_that_end_in_z_never_reach_the_container(path: str) -> None:
    async def scenario(world: World) -> None:
        await world.revision("web-1")
        await world.route({"web-1": 100})
        assert (await world.get(await world.uri() + path))[0] == 404
        assert await world.totals() == {}

    in_a_world(scenario)


def test_a_refused_connection_is_tried_again_on_the_same_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        runner = await world.revision("web-1")
        port = runner.addresses[0][1]
        await runner.cleanup()
        await world.route({"web-1": 100})
        again = web.ServerRunner(web.Server(_answer_revision, access_log=None))
        await again.setup()
        refusals: list[ClientConnectorError] = []
        send_once = proxying._send_once

        async def send(*arguments: Any) -> ClientResponse:
            try:
                return await send_once(*arguments)
            except ClientConnectorError as refusal:
                refusals.append(refusal)
                if len(refusals) == 1:
                    await web.TCPSite(again, "127.0.0.1", port).start()
                raise

        monkeypatch.setattr(proxying, "_send_once", send)
        assert await world.get(await world.uri()) == (200, "web-1")
        assert len(refusals) == 1
        assert await world.dropped() == 0
        await again.cleanup()

    in_a_world(scenario)


async def _answer_revision(_: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"revision": "web-1"})


def test_a_container_that_keeps_refusing_connections_costs_its_revision_a_503() -> None:
    async def scenario(world: World) -> None:
        await (await world.revision("web-1")).cleanup()
        await world.route({"web-1": 100})
        assert (await world.get(await world.uri()))[0] == 503
        assert await world.totals() == {"web-1": {503: 1}}
        assert (await world.dropped(), await world.unserved()) == (1, 1)

    in_a_world(scenario)


def test_an_answer_cut_in_the_middle_is_cut_for_the_client_too() -> None:
    async def scenario(world: World) -> None:
        async def half(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"half")
            assert request.transport is not None
            request.transport.close()
            return response

        await world.handler("web-1", half)
        await world.route({"web-1": 100})
        with pytest.raises((ClientPayloadError, ServerDisconnectedError, ConnectionError)):
            await world.get(await world.uri())
        assert await world.totals() == {"web-1": {503: 1}}

    in_a_world(scenario)


def test_a_web_socket_whose_container_vanishes_or_refuses_counts_as_an_error() -> None:
    async def scenario(world: World) -> None:
        async def vanish(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == "/refuse":
                return web.Response(status=403)
            response = web.WebSocketResponse()
            await response.prepare(request)
            assert request.transport is not None
            request.transport.abort()
            return response

        await world.handler("web-1", vanish)
        await world.route({"web-1": 100})
        uri = await world.uri()
        async with world.client.ws_connect(f"{uri}/ws") as socket:
            await socket.receive()
            assert socket.closed
        with pytest.raises(WSServerHandshakeError, match="403"):
            await world.client.ws_connect(f"{uri}/refuse")
        assert await world.totals() == {"web-1": {101: 1, 503: 1, 403: 1}}

    in_a_world(scenario)
