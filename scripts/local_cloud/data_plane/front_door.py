"""The load balancer: one address, behind which each path is a service's or lies in a bucket.

The paths are those of terraform/modules/load_balancer. Run by `FrontDoor` as
`python -m scripts.local_cloud.data_plane.front_door` and asked in JSON lines; the longest path that matches counts:

    {"ask": "listen", "services": {"/*": 8001, "/rooms/*": 8002}, "buckets": {"/_next/static/*": "http://…/b/assets"}}
"""

import asyncio
import http.client
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from aiohttp import ClientError, ClientSession, web
from yarl import URL

from scripts.local_cloud.data_plane import proxying
from scripts.local_cloud.processes.conversation import Conversation, answer_questions

HOST = "127.0.0.1"
CACHE_CONTROL = "public, max-age=31536000"  # FORCE_CACHE_ALL: the bucket's own header does not count


class FrontDoor:
    """The parent's side. services: by path pattern, the URL of each; buckets: by path pattern, a bucket's name."""

    def __init__(
        self, services: Mapping[str, str], buckets: Mapping[str, str], *, storage_url: str = "", log: Path
    ) -> None:
        self._services = {path: urlsplit(uri).port for path, uri in services.items()}
        self._buckets = {path: f"{storage_url}/download/storage/v1/b/{name}/o/" for path, name in buckets.items()}
        self._log = log
        self._child: Conversation | None = None
        self.uri = ""

    def start(self) -> None:
        self._child = Conversation("scripts.local_cloud.data_plane.front_door", [], log=self._log)
        port = self._child.ask({"ask": "listen", "services": self._services, "buckets": self._buckets})
        self.uri = f"http://{HOST}:{port}"

    def stop(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


class _Doors:
    """The child's side."""

    def __init__(self, client: ClientSession, stack: AsyncExitStack) -> None:
        self._client = client
        self._stack = stack

    async def answer(self, question: dict[str, Any]) -> int:
        services, buckets = question["services"], question["buckets"]

        async def door(request: web.BaseRequest) -> web.StreamResponse:
            path = _longest(request.path, (*services, *buckets))
            if path in buckets:
                return await self._from_bucket(request, buckets[path])
            if path in services:
                return await self._from_service(request, services[path])
            return web.Response(status=http.client.NOT_FOUND, text="no path rule\n")

        runner = web.ServerRunner(web.Server(door, access_log=None), shutdown_timeout=0.5)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, HOST, 0, backlog=1024).start()
        port: int = runner.addresses[0][1]
        return port

    async def _from_service(self, request: web.BaseRequest, port: int) -> web.StreamResponse:
        if proxying.is_web_socket(request):
            return (await proxying.tunnel(self._client, request, port, lambda: None)).response
        return (await proxying.forward(self._client, request, port)).response

    async def _from_bucket(self, request: web.BaseRequest, objects: str) -> web.StreamResponse:
        """The query is no part of an object's name."""
        url = URL(f"{objects}{quote(request.path.removeprefix('/'), safe='')}?alt=media", encoded=True)
        try:
            async with self._client.get(url) as found:
                content, kind = await found.read(), found.headers.get("Content-Type", "application/octet-stream")
        except (ClientError, TimeoutError) as error:
            return web.Response(status=http.client.BAD_GATEWAY, text=f"{type(error).__name__}\n")
        if found.status != http.client.OK:
            return web.Response(status=http.client.NOT_FOUND, text="NoSuchKey\n")
        return web.Response(body=content, headers={"Content-Type": kind, "Cache-Control": CACHE_CONTROL})


def _longest(path: str, patterns: tuple[str, ...]) -> str:
    matching = [one for one in patterns if path == one or (one.endswith("*") and path.startswith(one[:-1]))]
    return max(matching, key=len, default="")


async def run() -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(proxying.session())
        await answer_questions(_Doors(client, stack).answer)


if __name__ == "__main__":
    asyncio.run(run())
