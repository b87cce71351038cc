"""A release wants in: take the service into care when it is new to us, and start its canary."""

from dataclasses import replace

from shared.events import deploy_request
from shared.events.message import Message
from shared.runtime.cloud import Cloud
from shared.runtime.turn import take_turn


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, then one turn under the environment's freeze."""
    request = deploy_request.parse(message)
    if request.service not in cloud.environment.services:
        return take_turn(cloud, request)
    return take_turn(cloud, replace(request, frozen=cloud.ledger.freeze()), adopting=True)
