"""Scheduler ticks come on the period's grid and stop when told."""

import threading
from collections.abc import Mapping
from datetime import timedelta

import pytest

from scripts.local_cloud.scheduler import Job, Scheduler, seconds_to_next


class RecordingPublisher:
    def __init__(self, enough: int) -> None:
        self.messages: list[tuple[str, bytes, dict[str, str]]] = []
        self.full = threading.Event()
        self._enough = enough

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        self.messages.append((topic, data, dict(attributes)))
        if len(self.messages) >= self._enough:
            self.full.set()
        return str(len(self.messages))


@pytest.mark.parametrize(
    ("now", "period_seconds", "expected"),
    [(100.0, 60.0, 20.0), (120.0, 60.0, 60.0), (0.25, 1.0, 0.75), (7.0, 0.5, 0.5)],
)
def test_the_next_tick_is_the_next_multiple_of_the_period(now: float, period_seconds: float, expected: float) -> None:
    assert seconds_to_next(now, timedelta(seconds=period_seconds)) == pytest.approx(expected)


def test_every_job_publishes_its_name_and_an_empty_object_to_its_topic() -> None:
    publisher = RecordingPublisher(enough=3)
    job = Job(name="tick", topic="rollout-ticks", period=timedelta(milliseconds=10))
    scheduler = Scheduler(publisher, [job])
    scheduler.start()
    try:
        assert publisher.full.wait(10)
    finally:
        scheduler.stop()
    assert set(publisher.messages[0][2].items()) == {("job", "tick")}
    assert publisher.messages[0][:2] == ("rollout-ticks", b"{}")
    assert scheduler.snapshot()["tick"]["ticks"] == len(publisher.messages)


def test_nothing_is_published_after_stop() -> None:
    publisher = RecordingPublisher(enough=1)
    scheduler = Scheduler(publisher, [Job(name="tick", topic="t", period=timedelta(milliseconds=5))])
    scheduler.start()
    assert publisher.full.wait(10)
    scheduler.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "scheduler-tick"]


def test_stop_before_start_is_harmless() -> None:
    Scheduler(RecordingPublisher(enough=1), [Job(name="never", topic="t", period=timedelta(days=1))]).stop()
