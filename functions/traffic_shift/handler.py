"""A verdict that is not "unhealthy": advance, hold, resume or only keep the record in order."""

from shared.analysis.verdict import Health
from shared.events import verdict
from shared.events.message import Message
from shared.runtime.care import take_turn
from shared.runtime.cloud import Cloud


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, then one turn. An unhealthy verdict that slipped through the filter is auto_rollback's."""
    judged = verdict.parse(message)
    if judged.verdict and judged.verdict.health is Health.UNHEALTHY:
        return "not_ours: auto_rollback takes unhealthy verdicts."
    return take_turn(cloud, judged)
