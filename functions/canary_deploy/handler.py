"""A release wants in: take the service into care when it is new to us, and start its canary."""

from shared.events import deploy_request
from shared.events.message import Message
from shared.runtime.care import take_turn, under_freeze
from shared.runtime.cloud import Cloud
from shared.runtime.release_gate import at_the_gate


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, then one turn under the environment's freeze, with what the release can show at the gate."""
    request = under_freeze(cloud, deploy_request.parse(message))
    return take_turn(cloud, at_the_gate(cloud, request), adopting=True)
