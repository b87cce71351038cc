"""The traffic splitter: Google's front end and Cloud Run's router, as one process on loopback.

One port per service shares requests among revisions by percent; one port per tag goes to one revision. Run by
`LocalDataPlane` as `python -m scripts.local_cloud.data_plane.splitter SAMPLE_PERIOD_SECONDS` and asked in JSON lines:

    {"ask": "listen", "service": "web", "tag": ""}                        -> the port; the same one every time
    {"ask": "instance", "service": "web", "revision": "web-1", "port": 1} -> where it listens; null: nowhere any more,
                                       or with "coming": true not yet again
    {"ask": "route", "service": "web", "percents": {"web-1": 100}, "tags": {"canary": "web-2"}}
    {"ask": "collect"}                                                    -> measurements of periods that ended, once
    {"ask": "state"}                                                      -> totals since the start
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, assert_never

from aiohttp import ClientSession, web

from scripts.local_cloud.data_plane import proxying
from scripts.local_cloud.data_plane.instances import Instances, NoInstance
from scripts.local_cloud.data_plane.measurements import Meter
from scripts.local_cloud.data_plane.proxying import Ending, Failure, Passed, Tunnel
from scripts.local_cloud.data_plane.shares import Shares
from scripts.local_cloud.processes.conversation import answer_questions

HOST = "127.0.0.1"
# How long a request waits for an instance that is being started.
# https://cloud.google.com/run/docs/about-instance-autoscaling
PENDING_SECONDS_MAX = 10.0


class Splitter:
    """Routes, ports and counts. A route change is one assignment between two requests."""

    def __init__(
        self,
        *,
        session: ClientSession,
        period_seconds: float,
        clock: Callable[[], float],
        pending_seconds_max: float = PENDING_SECONDS_MAX,
    ) -> None:
        self._pending_seconds_max = pending_seconds_max
        self._session = session
        self._clock = clock
        self._meter = Meter(period_seconds)
        self._instances = Instances()
        self._shares: dict[str, Shares] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._ports: dict[tuple[str, str], int] = {}
        self._runners: list[web.ServerRunner] = []
        self._dropped = 0
        self._unserved = 0
        self._web_sockets: dict[tuple[str, str], int] = {}

    async def answer(self, question: dict[str, Any]) -> Any:
        match question["ask"]:
            case "listen":
                return await self._listen(question["service"], question["tag"])
            case "instance":
                key = question["service"], question["revision"]
                self._instances.place(key, question["port"], coming=question.get("coming", False))
                return None
            case "route":
                self._shares[question["service"]] = Shares(question["percents"])
                self._tags[question["service"]] = question["tags"]
                return None
            case "collect":
                return [one.to_json() for one in self._meter.collect(self._clock())]
            case "state":
                return self._state()
            case unknown:
                raise ValueError(f"unknown question {unknown!r}")

    async def close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()

    async def _listen(self, service: str, tag: str) -> int:
        key = (service, tag)
        if key not in self._ports:
            runner = web.ServerRunner(web.Server(self._door(service, tag), access_log=None), shutdown_timeout=0.5)
            await runner.setup()
            self._runners.append(runner)
            site = web.TCPSite(runner, HOST, 0, backlog=1024)
            await site.start()
            self._ports[key] = runner.addresses[0][1]
        return self._ports[key]

    def _state(self) -> dict[str, Any]:
        return {
            "totals": [[service, revision, codes] for (service, revision), codes in self._meter.totals.items()],
            "dropped": self._dropped,
            "unserved": self._unserved,
            "web_sockets": [[service, revision, count] for (service, revision), count in self._web_sockets.items()],
        }

    def _door(self, service: str, tag: str) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        async def door(request: web.BaseRequest) -> web.StreamResponse:
            if request.path.endswith("z"):  # Google's front end keeps such paths for itself
                return web.Response(status=404, text="The requested URL was not found on this server.\n")
            if tag:
                revision = self._tags.get(service, {}).get(tag)
                if revision is None:
                    return web.Response(status=404, text="No such traffic tag.\n")
            else:
                shares = self._shares.get(service)
                revision = shares.next() if shares is not None else None
            if revision is None:
                return self._nobody()
            try:
                return await self._pass(request, service, revision)
            except NoInstance:  # never reached a container, so Cloud Run counts it for nobody
                return self._nobody()

        return door

    def _nobody(self) -> web.Response:
        self._dropped += 1
        self._unserved += 1
        return web.Response(status=503, text="Service Unavailable: no instance.\n")

    async def _pass(self, request: web.BaseRequest, service: str, revision: str) -> web.StreamResponse:
        """Raises NoInstance. What a request waits for an instance is no part of its latency, as at Google."""
        started = time.perf_counter()

        def count(code: int) -> None:
            self._meter.add(self._clock(), service, revision, code, (time.perf_counter() - started) * 1000)

        if proxying.is_web_socket(request):
            return await self._pass_web_socket(request, service, revision)

        async def attempt(port: int) -> Passed:
            nonlocal started
            started = time.perf_counter()
            return await proxying.forward(self._session, request, port)

        passed = await self._instances.offer((service, revision), attempt, self._pending_seconds_max)
        if passed.failure is not None:
            self._dropped += 1
            self._unserved += passed.refused
        count(passed.failure or passed.response.status)
        return passed.response

    async def _pass_web_socket(self, request: web.BaseRequest, service: str, revision: str) -> web.StreamResponse:
        """Counted when it opens and when it fails; how long it stayed open says nothing about latency.

        Raises NoInstance.
        """
        key = (service, revision)

        def opened() -> None:
            self._meter.add(self._clock(), service, revision, 101, None)
            self._web_sockets[key] = self._web_sockets.get(key, 0) + 1

        async def attempt(port: int) -> Tunnel:
            return await proxying.tunnel(self._session, request, port, opened)

        tunnel = await self._instances.offer(key, attempt, self._pending_seconds_max)
        if tunnel.opened:
            self._web_sockets[key] -= 1
        match tunnel.ending:
            case Ending.CLOSED:
                pass
            case Ending.REFUSED:
                self._meter.add(self._clock(), service, revision, tunnel.response.status, None)
            case Ending.BROKEN:
                self._meter.add(self._clock(), service, revision, Failure.UNAVAILABLE, None)
                self._dropped += 1
                self._unserved += tunnel.refused
            case never:
                assert_never(never)
        return tunnel.response


async def run(period_seconds: float) -> None:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(proxying.session())
        splitter = Splitter(session=session, period_seconds=period_seconds, clock=time.time)
        stack.push_async_callback(splitter.close)
        await answer_questions(splitter.answer)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sample_period_seconds", type=float)
    asyncio.run(run(parser.parse_args().sample_period_seconds))
