"""A tick, or a revision that changed: read every service concerned and publish one verdict where there is work."""

from shared.errors import NotFound
from shared.events import revision_change, tick, verdict
from shared.events.message import Message
from shared.events.topics import REVISION_CHANGES, VERDICTS
from shared.rollout.facts import Judged
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
    told = []
    for name in names:
        judged = _read(cloud, name)
        if judged is not None:
            data, attributes = verdict.encode(judged)
            cloud.messages.publish(VERDICTS, data, attributes)
            told.append(f"{name} {judged.verdict.health if judged.verdict else 'needs care'}")
    return f"measured: {', '.join(told) or 'nothing to do'}."


def _read(cloud: Cloud, name: str) -> Judged | None:
    from .reading import read_service

    try:
        return read_service(cloud, name)
    except NotFound:
        return None  # not deployed yet in this environment
