"""A process that may die around every call."""

from collections.abc import Callable
from typing import Any


class Crash(RuntimeError):
    """The process is gone; nothing it had in memory is left."""


class Crashing:
    """A port whose every call asks `strikes` twice, before and after: whether the process dies here."""

    def __init__(self, port: Any, strikes: Callable[[], bool]) -> None:
        self._port, self._strikes = port, strikes

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if self._strikes():
                raise Crash(f"before {name}")
            answer = method(*arguments, **named)
            if self._strikes():
                raise Crash(f"after {name}")
            return answer

        return call
