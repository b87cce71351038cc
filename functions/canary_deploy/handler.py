"""A release wants in: take the service into care when it is new to us, and start its canary."""

from shared.events import deploy_request
from shared.events.message import Message
from shared.runtime.care import take_turn, under_freeze
from shared.runtime.cloud import Cloud


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, then one turn under the environment's freeze."""
    return take_turn(cloud, under_freeze(cloud, deploy_request.parse(message)), adopting=True)
