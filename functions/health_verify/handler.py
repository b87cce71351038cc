"""A tick, or a revision that changed: read every service concerned and publish one verdict where there is work."""

from shared.errors import NotFound
from shared.events import revision_change, tick
from shared.events.message import Message
from shared.events.topics import REVISION_CHANGES, VERDICTS
from shared.runtime.cloud import Cloud


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, measure, publish."""
    if message.topic == REVISION_CHANGES:
        changed = revision_change.parse(message)
        if changed.service not in cloud.environment.services:
            return f"unknown_service: {changed.service} is not in the {cloud.environment.name} environment."
        names = [changed.service]
    else:
        tick.parse(message)
        names = sorted(cloud.environment.services)
    told = [told for name in names if (told := _measure(cloud, name))]
    return f"measured: {', '.join(told) or 'nothing to do'}."


def _measure(cloud: Cloud, name: str) -> str:
    """Publishes the service's verdict and says which; "" where nothing is deployed or nothing is to do."""
    from shared.events import verdict

    from .reading import read_service

    try:
        reading = read_service(cloud, name)
    except NotFound:
        return ""  # not deployed yet in this environment
    if reading is None:
        return ""
    judged = reading.judged
    data, attributes = verdict.encode(judged, reading.question if reading.worth_keeping else None)
    cloud.messages.publish(VERDICTS, data, attributes)
    return f"{name} {judged.verdict.health if judged.verdict else 'needs care'}"
