"""Where the instance of each revision listens, and who waits for the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

Key = tuple[str, str]
"""Service and revision."""


class Attempt(Protocol):
    """refused: the instance took nothing of it."""

    @property
    def refused(self) -> bool: ...


AnyAttempt = TypeVar("AnyAttempt", bound=Attempt)


class NoInstance(Exception):
    """A revision has no instance, and gets none in time."""


class Instances:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._ports: dict[Key, int] = {}
        self._coming: set[Key] = set()
        self._moved = asyncio.Event()

    def place(self, key: Key, port: int | None, *, coming: bool) -> None:
        """port: where it listens, or None. coming: another one is being started in its place."""
        self._coming.discard(key)
        self._ports.pop(key, None)
        if port is not None:
            self._ports[key] = port
        elif coming:
            self._coming.add(key)
        self._moved.set()
        self._moved = asyncio.Event()

    async def offer(self, key: Key, attempt: Callable[[int], Awaitable[AnyAttempt]], seconds_max: float) -> AnyAttempt:
        """What became of the attempt at the port of the instance there is, or of the next one that comes in time.

        An instance that refuses is gone before anybody says so: whoever was refused by one waits for the next. Raises
        NoInstance when there was none to try.
        """
        until = asyncio.get_running_loop().time() + seconds_max
        port = await self._next(key, None, until)
        if port is None:
            raise NoInstance(key)
        while True:
            outcome = await attempt(port)
            if not outcome.refused:
                return outcome
            another = await self._next(key, port, until)
            if another is None:
                return outcome
            port = another

    async def _next(self, key: Key, tried: int | None, until: float) -> int | None:
        """The port of an instance that was not tried, or None when none comes."""
        while (port := self._ports.get(key)) is None or port == tried:
            if port is None and key not in self._coming:
                return None
            try:
                async with asyncio.timeout_at(until):
                    await self._moved.wait()
            except TimeoutError:
                return None
        return port
