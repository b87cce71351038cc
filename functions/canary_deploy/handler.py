"""A release wants in: take the service into care when it is new to us, and start its canary."""

from shared.events import deploy_request
from shared.events.message import Message
from shared.runtime.care import take_turn, under_freeze
from shared.runtime.cloud import Cloud
from shared.runtime.release_gate import behind_backup


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, then one turn under the environment's freeze and, for a release that migrates, behind a backup."""
    request = under_freeze(cloud, deploy_request.parse(message))
    return take_turn(cloud, behind_backup(cloud, request), adopting=True)
