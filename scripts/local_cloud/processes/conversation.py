"""A child process that answers questions: one JSON line in, one JSON line out, in order.

Its standard input closing is its order to end, so it also ends with its parent where the kernel does not see to it.
"""

import asyncio
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import IO, Any

from scripts.local_cloud.processes import child

REPOSITORY = Path(__file__).resolve().parents[3]
LONGEST_LINE_BYTES = 64 * 1024 * 1024
ANSWER_SECONDS_MAX = 120.0


class ConversationEnded(RuntimeError):
    """The child refused a question or is gone."""


class Conversation:
    """The parent's side: starts `python -m module arguments` and asks it. Safe to use from many threads.

    answer_seconds_max: a child that takes longer over one question is ended.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], *, log: Path, answer_seconds_max: float = ANSWER_SECONDS_MAX
    ) -> None:
        self._module = module
        self._answer_seconds_max = answer_seconds_max
        self._lock = threading.Lock()
        self._process = child.spawn(
            [sys.executable, "-m", module, *arguments], environment=os.environ, log=log, cwd=REPOSITORY, pipes=True
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, question: dict[str, Any]) -> Any:
        """Raises ConversationEnded with the child's own words, when it is gone, and when it does not answer."""
        with self._lock:
            try:
                to_child, from_child = self._pipes()
                to_child.write(json.dumps(question).encode() + b"\n")
                to_child.flush()
                self._must_answer(from_child, question)
                line = from_child.readline()
            except (OSError, ValueError) as error:
                raise ConversationEnded(f"{self._module} is gone: {error}") from error
        if not line:
            raise ConversationEnded(f"{self._module} is gone")
        reply = json.loads(line)
        if "error" in reply:
            raise ConversationEnded(f"{self._module}: {reply['error']}")
        return reply["answer"]

    def close(self) -> None:
        """Ends the child; harmless when it is gone already."""
        with self._lock:
            to_child, from_child = self._pipes()
            with contextlib.suppress(BrokenPipeError):
                to_child.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            child.stop(self._process, grace_seconds=1)
            from_child.close()

    def _must_answer(self, from_child: IO[bytes], question: dict[str, Any]) -> None:
        """Returns when something can be read. A child that says nothing is ended, for its next words would be late."""
        awaited = select.poll()
        awaited.register(from_child, select.POLLIN)
        if awaited.poll(self._answer_seconds_max * 1000):
            return
        child.stop(self._process, grace_seconds=1)
        asked = question.get("ask", "what it was asked")
        raise ConversationEnded(f"{self._module} did not answer {asked} within {self._answer_seconds_max:g} s")

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


async def answer_questions(answer: Callable[[dict[str, Any]], Awaitable[Any]]) -> None:
    """The child's side: answers until standard input closes. A ValueError or KeyError is told to the parent."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE_BYTES)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    try:
        while line := await reader.readline():
            try:
                reply = {"answer": await answer(json.loads(line))}
            except (ValueError, KeyError, OSError) as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.buffer.write(json.dumps(reply).encode() + b"\n")
            sys.stdout.buffer.flush()
    finally:
        transport.close()
