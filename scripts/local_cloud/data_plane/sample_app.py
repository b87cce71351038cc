"""The sample container: a small web service whose faults are flags, and can be switched on while it runs.

GET / tells revision and version; /health/live and /health/ready; /ws echoes over a WebSocket; POST /control changes
error_rate, latency_ms and latency_jitter at run time; on SIGTERM it lets requests finish and tells its WebSockets to
reconnect.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

HEARTBEAT_SECONDS = 5.0
DRAIN_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """error_rate: share of requests to / answered 500; latency_ms: the median,
    spread log-normally with sigma latency_jitter.
    """

    error_rate: float = 0.0
    latency_ms: float = 0.0
    latency_jitter: float = 0.3

    def changed(self, wishes: dict[str, Any]) -> "Behaviour":
        """Raises ValueError for what is no knob or no number of 0 or more."""
        known = {knob.name for knob in fields(self)}
        for name, value in wishes.items():
            if name not in known or isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"{name}: must be one of {', '.join(sorted(known))}, and a number of 0 or more")
        return replace(self, **wishes)


class Sample:
    def __init__(self, *, behaviour: Behaviour, revision: str, version: str, fail_after_seconds: float) -> None:
        self._behaviour = behaviour
        self._identity = {"revision": revision, "version": version}
        self._bad_from = time.monotonic() + fail_after_seconds if fail_after_seconds else float("inf")
        self._web_sockets: set[web.WebSocketResponse] = set()
        self._draining = False
        self._errors_owed = 0.0

    def application(self) -> web.Application:
        application = web.Application()
        # The second paths are where the reference backend has its own.
        for path in ("/", "/rooms/{room}/messages"):
            application.router.add_get(path, self._root)
        application.router.add_get("/health/live", self._live)
        application.router.add_get("/health/ready", self._ready)
        for path in ("/ws", "/rooms/{room}/socket"):
            application.router.add_get(path, self._web_socket)
        application.router.add_post("/control", self._control)
        application.on_shutdown.append(self._drain)
        return application

    async def _root(self, _: web.Request) -> web.Response:
        behaviour = self._behaviour
        if behaviour.latency_ms:
            spread = behaviour.latency_jitter
            await asyncio.sleep(behaviour.latency_ms / 1000 * random.lognormvariate(0, spread))
        if self._fails():
            return web.json_response({**self._identity, "error": "out of order"}, status=500)
        return web.json_response(self._identity)

    def _fails(self) -> bool:
        """Errors come evenly: a rate of 0.25 is every fourth request."""
        rate = 1.0 if time.monotonic() >= self._bad_from else self._behaviour.error_rate
        self._errors_owed += rate
        if self._errors_owed < 1:
            return False
        self._errors_owed -= 1
        return True

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({**self._identity, "status": "live"})

    async def _ready(self, _: web.Request) -> web.Response:
        if self._draining:
            return web.json_response({**self._identity, "status": "draining"}, status=503)
        return web.json_response({**self._identity, "status": "ready"})

    async def _control(self, request: web.Request) -> web.Response:
        try:
            self._behaviour = self._behaviour.changed(await request.json())
        except (ValueError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({**self._identity, **asdict(self._behaviour)})

    async def _web_socket(self, request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS)
        await response.prepare(request)
        self._web_sockets.add(response)
        try:
            await response.send_json(self._identity)
            async for message in response:
                if message.type is WSMsgType.TEXT:
                    await response.send_str(message.data)
        except ConnectionError:
            print("a WebSocket's client went away", file=sys.stderr)
        finally:
            self._web_sockets.discard(response)
        return response

    async def _drain(self, _: web.Application) -> None:
        self._draining = True
        await asyncio.gather(
            *(one.close(code=WSCloseCode.SERVICE_RESTART, message=b"reconnect") for one in self._web_sockets.copy())
        )


async def serve(sample: Sample, port: int) -> None:
    """Until SIGTERM or SIGINT; then requests under way may finish."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(sample.application(), access_log=None, shutdown_timeout=DRAIN_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await stopped.wait()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--version", default="1", help="told in every answer")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of requests to / answered 500")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="median time a request to / takes")
    parser.add_argument("--latency-jitter", type=float, default=0.3, help="sigma of the log-normal spread around it")
    parser.add_argument("--fail-after-seconds", type=float, default=0.0, help="every request to / fails from then on")
    parser.add_argument("--never-listen", action="store_true", help="runs and never opens its port")
    parser.add_argument("--exit-at-start", type=int, default=0, metavar="STATUS", help="ends at once, with this status")
    arguments = parser.parse_args()
    if arguments.exit_at_start:
        sys.exit(arguments.exit_at_start)
    if arguments.never_listen:
        signal.pause()
        return
    sample = Sample(
        behaviour=Behaviour(
            error_rate=arguments.error_rate, latency_ms=arguments.latency_ms, latency_jitter=arguments.latency_jitter
        ),
        revision=os.environ.get("K_REVISION", "local"),
        version=arguments.version,
        fail_after_seconds=arguments.fail_after_seconds,
    )
    asyncio.run(serve(sample, int(os.environ.get("PORT", "8080"))))


if __name__ == "__main__":
    main()
