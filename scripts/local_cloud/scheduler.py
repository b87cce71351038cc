"""Cloud Scheduler: each job publishes its message once a period, on the period's own grid.

https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#pubsubtarget
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from scripts.local_cloud.contracts import Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Scheduler asks for a body, so it is an empty object; the message names the job and never the tick."""

    name: str
    topic: str
    period: timedelta


class Scheduler:
    """Runs jobs from `start` to `stop`. A tick that would be late is left out, never caught up with."""

    def __init__(self, publisher: Publisher, jobs: Sequence[Job], *, clock: Callable[[], float] = time.time) -> None:
        self._publisher = publisher
        self._jobs = tuple(jobs)
        self._clock = clock
        self._stopping = threading.Event()
        self._ticks = {job.name: 0 for job in self._jobs}
        self._threads = [
            threading.Thread(target=self._run, args=(job,), name=f"scheduler-{job.name}") for job in self._jobs
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns once no job can publish any more."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: every job's period and the ticks it published."""
        return {
            job.name: {
                "topic": job.topic,
                "period_seconds": job.period.total_seconds(),
                "ticks": self._ticks[job.name],
            }
            for job in self._jobs
        }

    def _run(self, job: Job) -> None:
        while not self._stopping.wait(seconds_to_next(self._clock(), job.period)):
            self._publisher.publish(job.topic, b"{}", {"job": job.name})
            self._ticks[job.name] += 1


def seconds_to_next(now: float, period: timedelta) -> float:
    """From `now` (seconds since 1970) to the next whole multiple of the period; never 0."""
    step = period.total_seconds()
    return (math.floor(now / step) + 1) * step - now
