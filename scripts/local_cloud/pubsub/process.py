"""The Pub/Sub server as a process of its own, which may be killed at any moment and started again: it loses nothing.

Run by `PubSubProcess` as `python -m scripts.local_cloud.pubsub.process` and asked in JSON lines:

    {"ask": "start", "journal": "…", "token_key": "…", "grpc_port": 0, "rest_port": 0}    -> its ports
    {"ask": "publish", "topic": "gcr", "data": "base64", "attributes": {}}                -> the message id
    {"ask": "snapshot"}
"""

import asyncio
import base64
import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc

from scripts.local_cloud.gapic.table import Fail
from scripts.local_cloud.processes.conversation import Conversation, ConversationEnded, answer_questions
from scripts.local_cloud.processes.ports import free_port
from scripts.local_cloud.pubsub.server import PubSub

DOWN_SECONDS_MAX = 60.0


class PubSubProcess:
    """As PubSub, over a journal in `directory`; may be used from many threads while it is killed and started again."""

    def __init__(self, directory: Path, token_key: bytes) -> None:
        self.journal = directory / "pubsub.journal"
        # Not of those that systems hand out: while it is down, nobody else may be given one of them.
        self.grpc_port = free_port()
        self.rest_port = free_port()
        self._log = directory / "pubsub.log"
        self._token_key = token_key
        self._changed = threading.Condition()
        self._child: Conversation | None = None
        self._ended = False

    def start(self) -> None:
        """Listens where it listened before, owing what it owed."""
        child = Conversation("scripts.local_cloud.pubsub.process", [], log=self._log)
        question = {"ask": "start", "journal": str(self.journal), "token_key": self._token_key.decode()}
        try:
            ports = child.ask({**question, "grpc_port": self.grpc_port, "rest_port": self.rest_port})
        except ConversationEnded:
            child.close()
            raise
        assert (self.grpc_port, self.rest_port) == tuple(ports)
        with self._changed:
            self._child = child
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if (child := self._taken_away()) is not None:
            child.close()

    def kill(self) -> None:
        """Where it stands, as a lost machine would; returns when it is gone."""
        child = self._taken_away()
        if child is not None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.close()

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        """As PubSub's; repeated while it is down, as Google's client does, so that a message may come twice."""
        text = base64.b64encode(data).decode()
        answer = self._ask({"ask": "publish", "topic": topic, "data": text, "attributes": dict(attributes)})
        if "missing" in answer:
            raise Fail(grpc.StatusCode.NOT_FOUND, answer["missing"])
        return str(answer["id"])

    def snapshot(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask({"ask": "snapshot"})
        return found

    def _ask(self, question: dict[str, Any]) -> Any:
        """Raises ConversationEnded when it is not there for too long, for good, or ended by itself."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._child is not None or self._ended, DOWN_SECONDS_MAX)
                child = self._child
            if child is None:
                raise ConversationEnded("Pub/Sub does not run")
            try:
                return child.ask(question)
            except ConversationEnded:
                if self._child is child:
                    raise

    def _taken_away(self) -> Conversation | None:
        with self._changed:
            child, self._child = self._child, None
        return child


async def run() -> None:
    server: PubSub | None = None

    async def answer(question: dict[str, Any]) -> Any:
        nonlocal server
        if question["ask"] == "start":
            server = PubSub(question["token_key"].encode(), journal=Path(question["journal"]))
            server.start(question["grpc_port"], question["rest_port"])
            return server.grpc_port, server.rest_port
        assert server is not None
        match question["ask"]:
            case "publish":
                try:
                    data = base64.b64decode(question["data"])
                    return {"id": server.publish(question["topic"], data, question["attributes"])}
                except Fail as failure:
                    return {"missing": failure.message}
            case "snapshot":
                return server.snapshot()
            case unknown:
                raise ValueError(f"unknown question {unknown!r}")

    try:
        await answer_questions(answer)
    finally:
        if server is not None:
            server.stop()


if __name__ == "__main__":
    asyncio.run(run())
