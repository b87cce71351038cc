"""Virtual time: tasks run one at a time in the order of their due times, and waiting takes no time at all.

A task is ordinary code on a greenlet, so production handlers run in it unchanged. What raises in a task
raises out of `run`.
"""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from greenlet import getcurrent, greenlet

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

_resting: list[greenlet] = []
"""Between two tasks, of whatever timeline: making a greenlet takes longer than most tasks do."""


class Timeline:
    """seconds: since START."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.steps = 0
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0
        self._until = 0.0
        self._hub = getcurrent()

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Runs `action` in the hub; ties keep the order they were made in."""
        self._count += 1
        heapq.heappush(self._due, (self.seconds + seconds, self._count, action))

    def task(self, seconds: float, run: Callable[[], object]) -> None:
        """Starts `run` as a task that may `wait`."""
        self.after(seconds, lambda: self._worker().switch(run))

    def wait(self, seconds: float) -> None:
        """Of the calling task; everything due before goes first. Nothing due: time passes, and the task goes on."""
        until = self.seconds + seconds
        if until <= self._until and (not self._due or until < self._due[0][0]):
            self.seconds = until
            self.steps += 1
            return
        self.after(seconds, getcurrent().switch)
        self._hub.switch()

    def run(self, until: float) -> None:
        """Everything due up to `until` seconds since START."""
        self._until = until
        while self._due and self._due[0][0] <= until:
            self.seconds, _, action = heapq.heappop(self._due)
            self.steps += 1
            action()
        self.seconds = until

    def _worker(self) -> greenlet:
        return _resting.pop() if _resting else greenlet(_work, self._hub)


def _work(run: Callable[[], object]) -> None:
    """One task after the other, on one greenlet; an error of a task is its end."""
    itself = getcurrent()
    hub = itself.parent
    assert hub is not None
    while True:
        run()
        del run  # and the world it is of
        _resting.append(itself)
        run = hub.switch()
