"""The line itself: a process that holds both ends and carries packets between them. Run by `LossyLine`, as root.

It is asked in JSON lines, and everything that it made goes with it:

    {"ask": "become", "line": ["2G", 800, 280000, 0.05]}    {"ask": "cut", "cut": true}
    {"ask": "lead", "to_port": 3000}                        {"ask": "counts"}
"""

import asyncio
import os
from collections.abc import Callable
from random import Random
from typing import Any

from scripts.local_cloud.processes.conversation import answer_questions
from scripts.lossy_line.direction import PACKET_BYTES, Direction
from scripts.lossy_line.door import lead
from scripts.lossy_line.line import CLIENT, PORT, SERVER
from scripts.lossy_line.namespaces import Namespace
from shared.connectivity.lines import LINES, Line

_SEED = 7  # which packets are lost is the same in every run; when they come is the machine's


class _Forwarder:
    def __init__(self) -> None:
        self._server = Namespace(SERVER, CLIENT, PACKET_BYTES)
        self._client = Namespace(CLIENT, SERVER, PACKET_BYTES)
        chance = Random(_SEED).random
        self._down, self._up = (Direction(LINES[0], chance) for _ in range(2))
        self._door: asyncio.Server | None = None
        loop = asyncio.get_running_loop()
        for source, target, direction in (
            (self._server.device, self._client.device, self._down),
            (self._client.device, self._server.device, self._up),
        ):
            loop.add_reader(source, _carrying(source, target, direction, loop))

    async def answer(self, question: dict[str, Any]) -> Any:
        match question["ask"]:
            case "become":
                for direction in (self._down, self._up):
                    direction.become(Line(*question["line"]))
            case "cut":
                self._down.cut = self._up.cut = question["cut"]
            case "lead":
                if self._door:
                    self._door.close()
                self._door = await lead(self._server, SERVER, PORT, question["to_port"])
            case "counts":
                return {"down": dict(self._down.counts), "up": dict(self._up.counts)}
            case "client":
                return self._client.descriptor
            case other:
                raise ValueError(f"cannot be asked: {other}")
        return None


def _carrying(source: int, target: int, direction: Direction, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    def arrive(packet: bytes) -> None:
        try:
            os.write(target, packet)
        except BlockingIOError:
            direction.counts["crowded out"] += 1  # the other end reads too slowly

    def carry() -> None:
        while True:
            try:
                packet = os.read(source, 2 * PACKET_BYTES)
            except BlockingIOError:
                return
            arrival = direction.arrival(loop.time(), len(packet))
            if arrival is not None:
                loop.call_at(arrival, arrive, packet)

    return carry


async def run() -> None:
    await answer_questions(_Forwarder().answer)


if __name__ == "__main__":
    asyncio.run(run())
