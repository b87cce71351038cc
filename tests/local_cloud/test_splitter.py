"""Requests and sockets go where the routes say, and none is lost when those change."""

import asyncio
from collections import Counter

from aiohttp import web

from scripts.local_cloud.data_plane.sample_app import Behaviour
from tests.local_cloud.splitting import World, in_a_world


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


def test_no_instance_is_a_503_that_counts_for_nobody() -> None:
    async def scenario(world: World) -> None:
        uri = await world.uri()
        assert (await world.get(uri))[0] == 503
        await world.route({"web-1": 100})
        assert (await world.get(uri))[0] == 503
        assert await world.dropped() == 2
        assert await world.totals() == {}

    in_a_world(scenario)
