import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice, pairwise
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
from hypothesis import given
from hypothesis import strategies as st

from scripts.local_cloud.data_plane import proxying
from scripts.local_cloud.data_plane.measurements import BUCKETS, FINITE_BUCKETS, GROWTH, bucket_of
from scripts.local_cloud.data_plane.sample_app import Behaviour, Sample
from scripts.local_cloud.data_plane.shares import Shares
from scripts.local_cloud.data_plane.splitter import Splitter

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class World:
    """A splitter in this process, revisions beside it, and a client."""

    def __init__(self, stack: AsyncExitStack, splitter: Splitter, client: ClientSession) -> None:
        self._stack = stack
        self.splitter = splitter
        self.client = client
        self.now = 1_000_000.0

    async def revision(self, name: str, behaviour: Behaviour | None = None) -> web.AppRunner:
        sample = Sample(
            behaviour=behaviour or Behaviour(), revision=name, version=name.removeprefix("web-"), fail_after_seconds=0
        )
        runner = web.AppRunner(sample.application(), access_log=None, shutdown_timeout=0.5)
        await self._serve(name, runner)
        return runner

    async def handler(self, name: str, handler: Handler) -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=0.1)
        await self._serve(name, runner)
        return runner

    async def _serve(self, name: str, runner: web.BaseRunner) -> None:
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await self.place(name, runner.addresses[0][1])

    async def place(self, name: str, port: int | None, *, coming: bool = False) -> None:
        question = {"ask": "instance", "service": "web", "revision": name, "port": port}
        await self.splitter.answer({**question, "coming": coming})

    async def route(self, percents: dict[str, int], tags: dict[str, str] | None = None) -> None:
        await self.splitter.answer({"ask": "route", "service": "web", "percents": percents, "tags": tags or {}})

    async def uri(self, tag: str = "") -> str:
        return f"http://127.0.0.1:{await self.splitter.answer({'ask': 'listen', 'service': 'web', 'tag': tag})}"

    async def get(self, uri: str) -> tuple[int, str]:
        async with self.client.get(uri) as response:
            return response.status, (await response.json())["revision"] if response.ok else await response.text()

    async def totals(self) -> dict[str, dict[int, int]]:
        state = await self.splitter.answer({"ask": "state"})
        return {revision: codes for _, revision, codes in state["totals"]}

    async def dropped(self) -> int:
        return int((await self.splitter.answer({"ask": "state"}))["dropped"])

    async def unserved(self) -> int:
        return int((await self.splitter.answer({"ask": "state"}))["unserved"])


@asynccontextmanager
async def world(pending: float) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(proxying.session())
        client = await stack.enter_async_context(ClientSession())
        splitter = Splitter(session=session, period_seconds=1.0, clock=lambda: made.now, pending_seconds_max=pending)
        made = World(stack, splitter, client)
        stack.push_async_callback(splitter.close)
        yield made


def in_a_world(scenario: Callable[[World], Coroutine[Any, Any, None]], *, pending: float = 0.3) -> None:
    """pending: for how many seconds a request waits for an instance."""

    async def run() -> None:
        async with asyncio.timeout(120), world(pending) as made:
            await scenario(made)

    asyncio.run(run())


@st.composite
def splits(draw: st.DrawFn) -> dict[str, int]:
    cuts = sorted(draw(st.lists(st.integers(0, 100), max_size=3)))
    edges = [0, *cuts, 100]
    return {f"web-{index}": high - low for index, (low, high) in enumerate(pairwise(edges))}


@given(splits(), st.integers(0, 250))
def test_any_100_requests_in_a_row_match_the_percents(percents: dict[str, int], skipped: int) -> None:
    shares = Shares(percents)
    sequence = list(islice(iter(shares.next, None), skipped + 100))[skipped:]
    assert Counter(sequence) == {revision: percent for revision, percent in percents.items() if percent}


def test_a_small_share_is_spread_and_not_sent_in_a_burst() -> None:
    shares = Shares({"web-1": 90, "web-2": 10})
    positions = [index for index, revision in enumerate(islice(iter(shares.next, None), 100)) if revision == "web-2"]
    assert {after - before for before, after in pairwise(positions)} == {10}


def test_nobody_is_chosen_without_a_share() -> None:
    assert Shares({"web-1": 0}).next() is None


@pytest.mark.parametrize(
    ("latency_ms", "bucket"),
    [(0, 0), (0.99, 0), (1.0, 1), (1.5, 2), (GROWTH**10 * 1.01, 11), (10**9, FINITE_BUCKETS + 1)],
)
def test_latencies_fall_in_exponential_buckets(latency_ms: float, bucket: int) -> None:
    assert bucket_of(latency_ms) == bucket
    assert bucket < BUCKETS


def test_requests_are_shared_exactly_by_percent_and_a_change_is_atomic() -> None:
    async def scenario(world: World) -> None:
        await world.revision("web-1")
        await world.revision("web-2")
        uri = await world.uri()
        await world.route({"web-1": 95, "web-2": 5})
        first = Counter([(await world.get(uri))[1] for _ in range(100)])
        await world.route({"web-2": 100})
        second = Counter([(await world.get(uri))[1] for _ in range(20)])
        assert first == {"web-1": 95, "web-2": 5}
        assert second == {"web-2": 20}

    in_a_world(scenario)


def test_a_tag_reaches_its_revision_without_any_share_and_is_counted() -> None:
    async def scenario(world: World) -> None:
        await world.revision("web-1")
        await world.revision("web-2")
        await world.route({"web-1": 100}, {"canary": "web-2"})
        uri = await world.uri("canary")
        assert await world.get(uri) == (200, "web-2")
        await world.route({"web-1": 100})
        assert (await world.get(uri))[0] == 404
        assert await world.totals() == {"web-2": {200: 1}}

    in_a_world(scenario)


def test_no_request_is_dropped_while_percents_change_under_load() -> None:
    async def scenario(world: World) -> None:
        for name in ("web-1", "web-2"):
            await world.revision(name, Behaviour(latency_ms=5))
        uri = await world.uri()
        await world.route({"web-1": 100})
        finished = asyncio.Event()

        async def client() -> list[int]:
            return [(await world.get(uri))[0] for _ in range(120)]

        async def changes() -> int:
            count = 0
            while not finished.is_set():
                share = (0, 5, 25, 50, 100)[count % 5]
                await world.route({"web-1": 100 - share, "web-2": share})
                count += 1
                await asyncio.sleep(0.005)
            return count

        changing = asyncio.create_task(changes())
        statuses = Counter(status for row in await asyncio.gather(*(client() for _ in range(16))) for status in row)
        finished.set()
        assert await changing > 20
        assert statuses == {200: 1920}
        assert await world.dropped() == 0
        assert sum(codes[200] for codes in (await world.totals()).values()) == 1920

    in_a_world(scenario)


def test_a_request_under_way_finishes_on_the_revision_that_lost_its_traffic() -> None:
    async def scenario(world: World) -> None:
        arrived, leave = asyncio.Event(), asyncio.Event()

        async def slow(_: web.BaseRequest) -> web.Response:
            arrived.set()
            await leave.wait()
            return web.json_response({"revision": "web-1"})

        old = await world.handler("web-1", slow)
        await world.revision("web-2")
        await world.route({"web-1": 100})
        uri = await world.uri()
        pending = asyncio.create_task(world.get(uri))
        await arrived.wait()
        await world.route({"web-2": 100})
        await world.place("web-1", None)
        assert await world.get(uri) == (200, "web-2")
        leave.set()
        assert await pending == (200, "web-1")
        await old.cleanup()

    in_a_world(scenario)


def test_a_web_socket_stays_on_its_revision_across_route_changes_and_is_counted_once() -> None:
    async def scenario(world: World) -> None:
        old = await world.revision("web-1")
        await world.revision("web-2")
        await world.route({"web-1": 100})
        uri = await world.uri()
        async with world.client.ws_connect(f"{uri}/ws") as socket:
            assert (await socket.receive_json())["revision"] == "web-1"
            await world.route({"web-2": 100})
            await socket.send_str("still there?")
            assert await socket.receive_str() == "still there?"
            async with world.client.ws_connect(f"{uri}/ws") as newer:
                assert (await newer.receive_json())["revision"] == "web-2"
            assert await world.totals() == {"web-1": {101: 1}, "web-2": {101: 1}}
            draining = asyncio.create_task(old.cleanup())
            await socket.receive()
            assert socket.close_code == 1012
            await draining
        world.now += 1
        measured = await world.splitter.answer({"ask": "collect"})
        assert {row["revision"]: row["latencies"] for row in measured} == {"web-1": {}, "web-2": {}}
        assert await world.dropped() == 0

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


@pytest.mark.parametrize("path", ["/healthz", "/readyz?deep=1", "/any/quiz"])
def test_paths_that_end_in_z_never_reach_the_container(path: str) -> None:
    async def scenario(world: World) -> None:
        await world.revision("web-1")
        await world.route({"web-1": 100})
        assert (await world.get(await world.uri() + path))[0] == 404
        assert await world.totals() == {}

    in_a_world(scenario)


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


def test_a_container_that_keeps_refusing_connections_costs_its_revision_a_503() -> None:
    async def scenario(world: World) -> None:
        await (await world.revision("web-1")).cleanup()
        await world.route({"web-1": 100})
        assert (await world.get(await world.uri()))[0] == 503
        assert await world.totals() == {"web-1": {503: 1}}
        assert (await world.dropped(), await world.unserved()) == (1, 1)

    in_a_world(scenario)


def test_requests_and_sockets_wait_for_the_instance_that_takes_the_place_of_a_dead_one() -> None:
    async def scenario(world: World) -> None:
        await (await world.revision("web-1")).cleanup()  # dead, and nobody has noticed yet
        await world.route({"web-1": 100})
        uri = await world.uri()
        early = asyncio.create_task(world.get(uri))
        socket = asyncio.create_task(world.client.ws_connect(f"{uri}/ws"))
        await asyncio.sleep(0)
        await world.place("web-1", None, coming=True)
        late = asyncio.create_task(world.get(uri))
        await asyncio.sleep(0)
        await world.revision("web-1")
        assert [await early, await late] == [(200, "web-1")] * 2
        assert (await (await socket).receive_json())["revision"] == "web-1"
        await (await socket).close()
        assert (await world.dropped(), await world.unserved()) == (0, 0)

    in_a_world(scenario, pending=10)


def test_nobody_waits_for_an_instance_for_ever() -> None:
    async def scenario(world: World) -> None:
        await world.place("web-1", None, coming=True)
        await world.route({"web-1": 100})
        assert (await world.get(await world.uri()))[0] == 503
        assert await world.totals() == {}
        assert (await world.dropped(), await world.unserved()) == (1, 1)

    in_a_world(scenario)


async def _answer_revision(_: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"revision": "web-1"})


def test_no_instance_is_a_503_that_counts_for_nobody() -> None:
    async def scenario(world: World) -> None:
        uri = await world.uri()
        assert (await world.get(uri))[0] == 503
        await world.route({"web-1": 100})
        assert (await world.get(uri))[0] == 503
        assert await world.dropped() == 2
        assert await world.totals() == {}

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


def test_each_sampling_period_is_handed_out_once_and_only_after_its_end() -> None:
    async def scenario(world: World) -> None:
        await world.revision("web-1", Behaviour(error_rate=0.5))
        await world.route({"web-1": 100})
        uri = await world.uri()
        started = time.perf_counter()
        for _ in range(4):
            await world.get(uri)
        assert await world.splitter.answer({"ask": "collect"}) == []
        world.now += 1
        (row,) = await world.splitter.answer({"ask": "collect"})
        assert row["end"] == 1_000_001.0
        assert row["requests"] == {200: 2, 500: 2}
        count, total_ms, _, buckets = row["latencies"][500]
        assert count == sum(buckets) == 2
        assert 0 < total_ms < (time.perf_counter() - started) * 1000
        assert await world.splitter.answer({"ask": "collect"}) == []

    in_a_world(scenario)
