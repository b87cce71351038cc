"""Cloud Scheduler's message: nothing in it names the tick, so its publish time is the tick's time.

https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#pubsubtarget
"""

from datetime import datetime

from shared.events.message import Message
from shared.values import value


@value
class Tick:
    at: datetime


def parse(message: Message) -> Tick:
    """Any message is a tick."""
    return Tick(at=message.published_at)
