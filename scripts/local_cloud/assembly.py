"""Servers that belong together: started in order, ended in reverse, all of them also when a later one fails."""

import shutil
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar


class Part(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


AnyPart = TypeVar("AnyPart", bound=Part)


class Assembly(ABC):
    """A context manager: inside, everything runs; afterwards, nothing does.

    directory: its own; what a former one left there is removed.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self._parts = ExitStack()

    def __enter__(self) -> Self:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        with ExitStack() as parts:
            self._start(parts)
            self._parts = parts.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parts.__exit__(kind, error, trace)

    @abstractmethod
    def _start(self, parts: ExitStack) -> None:
        """In the order of dependence; `parts` stops what was started, newest first."""


def started(parts: ExitStack, part: AnyPart) -> AnyPart:
    parts.callback(part.stop)
    part.start()
    return part
