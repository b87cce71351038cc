"""A splitter in this process, revisions beside it, and a client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web

from scripts.local_cloud.data_plane import proxying
from scripts.local_cloud.data_plane.sample_app import Behaviour, Sample
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
async def _world(pending: float) -> AsyncIterator[World]:
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
        async with asyncio.timeout(120), _world(pending) as made:
            await scenario(made)

    asyncio.run(run())
