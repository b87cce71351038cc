"""Waiting for what happens in other processes, with a deadline."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], *, seconds: float = 10.0, shown: Callable[[], object] = str) -> None:
    """Fails when the condition is still false after so long, and shows what there is instead."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not true after {seconds} s {shown()}"
        time.sleep(0.02)
