"""A tick, or a revision that changed: read every service concerned and publish one verdict where there is work.

No service hides another: what cannot be read is told after, and apart from, the verdicts about all the rest.
"""

from shared.errors import NotFound, PermanentError
from shared.events import revision_change, tick
from shared.events.message import Message
from shared.events.topics import REVISION_CHANGES, VERDICTS
from shared.runtime.cloud import Cloud


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, measure, publish.

    A service whose record nobody can read is kept on rejected-events with the reason, which pages, and costs the others
    nothing. Anything else that went wrong is raised when all have been measured: the message comes again, and verdicts
    told twice change nothing.
    """
    if message.topic == REVISION_CHANGES:
        changed = revision_change.parse(message)
        if changed.service not in cloud.environment.services:
            return f"unknown_service: {changed.service} is not in the {cloud.environment.name} environment."
        names = [changed.service]
    else:
        tick.parse(message)
        names = sorted(cloud.environment.services)
    told, failures = [], []
    for name in names:
        try:
            told.append(_measure(cloud, name, message))
        except Exception as error:  # noqa: BLE001 - raised below; a fault of ours in one service is no reason either
            failures.append(error)
    if failures:
        raise failures[0]
    return f"measured: {', '.join(filter(None, told)) or 'nothing to do'}."


def _measure(cloud: Cloud, name: str, message: Message) -> str:
    """Publishes the service's verdict and says which; "" where nothing is deployed or nothing is to do."""
    try:
        service = cloud.services.get(name)
    except NotFound:
        return ""  # not deployed yet in this environment
    from shared.events import verdict

    from .reading import read_service

    try:
        reading = read_service(cloud, service)
    except PermanentError as error:
        return _reject(cloud, name, message, error)
    if reading is None:
        return ""
    judged = reading.judged
    data, attributes = verdict.encode(judged, reading.question if reading.worth_keeping else None)
    cloud.messages.publish(VERDICTS, data, attributes)
    return f"{name} {judged.verdict.health if judged.verdict else 'needs care'}"


def _reject(cloud: Cloud, name: str, message: Message, error: PermanentError) -> str:
    """Every tick says so again until a person has mended the record, so the alert stays open as long."""
    from shared.runtime import rejections

    rejections.keep_part(cloud, "health_verify", error, message, name)
    return f"{name} cannot be read"
