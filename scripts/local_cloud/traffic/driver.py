"""Steady traffic from a process of its own, and what its clients saw of every revision."""

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any

from scripts.local_cloud.processes.conversation import Conversation, answer_questions
from scripts.local_cloud.traffic.clients import Clients


class Traffic:
    """Requests at a fixed rate whatever the answers take, and WebSockets that stay open, against one URI.

    Runs from its creation to `stop()`.
    """

    def __init__(
        self,
        uri: str,
        requests_per_second: float,
        websockets: int = 0,
        *,
        log: Path = Path(os.devnull),
        path: str = "/",
        web_socket_path: str = "/ws",
    ) -> None:
        self._last: dict[str, Any] = {}
        self._conversation: Conversation | None = Conversation(
            "scripts.local_cloud.traffic.driver",
            [
                *(uri, "--rate", str(requests_per_second), "--path", path),
                *("--web-sockets", str(websockets), "--web-socket-path", web_socket_path),
            ],
            log=log,
        )

    def set_rate(self, requests_per_second: float) -> None:
        if self._conversation is not None:
            self._conversation.ask({"ask": "rate", "requests_per_second": requests_per_second})

    def snapshot(self) -> dict[str, Any]:
        """JSON-able. After `stop()`, what it was at the end.

        sent, ok (status below 400), errors (400 and above), dropped (no answer: refused, cut, too late);
        revisions: by name: ok, errors by status, p50_ms, p95_ms of the newest answers; answers of the front end
        itself are under ""; websockets: open, opened, asked_to_reconnect (closed 1001 or 1012),
        unexpected_closes (all other ends), refused.
        """
        if self._conversation is not None:
            self._last = self._conversation.ask({"ask": "snapshot"})
        return self._last

    def stop(self) -> dict[str, Any]:
        """Sends no more, waits for what is under way, ends; returns the last snapshot."""
        if self._conversation is not None:
            self._last = self._conversation.ask({"ask": "finish"})
            self._conversation.close()
            self._conversation = None
        return self._last


async def run(clients: Clients) -> None:
    async with clients:

        async def answer(question: dict[str, Any]) -> Any:
            match question["ask"]:
                case "rate":
                    clients.set_rate(float(question["requests_per_second"]))
                    return None
                case "snapshot":
                    return clients.snapshot()
                case "finish":
                    await clients.finish()
                    return clients.snapshot()
                case unknown:
                    raise ValueError(f"unknown question {unknown!r}")

        await answer_questions(answer)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("--path", default="/")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--web-sockets", type=int, default=0)
    parser.add_argument("--web-socket-path", default="/ws")
    arguments = parser.parse_args()
    asyncio.run(
        run(
            Clients(
                arguments.uri,
                path=arguments.path,
                requests_per_second=arguments.rate,
                web_sockets=arguments.web_sockets,
                web_socket_path=arguments.web_socket_path,
            )
        )
    )
