"""One rule broken on purpose, for as long as a context lasts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch


@dataclass(frozen=True)
class Breakage:
    """breaks: letters of the promises it may break; mistake: in one sentence; patches: what to replace, and where."""

    name: str
    breaks: str
    mistake: str
    patches: tuple[tuple[Any, str, Any], ...]

    @contextmanager
    def made(self) -> Iterator[None]:
        with ExitStack() as stack:
            for module, name, replacement in self.patches:
                stack.enter_context(patch.object(module, name, replacement))
            yield
