"""Only services in our care take turns: a message about any other ends here, before the rollout core is loaded."""

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from shared.runtime.cloud import Cloud

if TYPE_CHECKING:
    from shared.rollout.commands import Command
    from shared.rollout.facts import DeployRequested
    from shared.rollout.intake import Event

Freezable = TypeVar("Freezable", "DeployRequested", "Command")


def take_turn(cloud: Cloud, event: "Event", *, adopting: bool = False) -> str:
    """What was decided and why, "rule: sentence"; raises what `shared.runtime.turn.take_turn` raises."""
    if event.service not in cloud.environment.services:
        return f"unknown_service: {event.service} is not in the {cloud.environment.name} environment."
    from shared.runtime import turn

    return turn.take_turn(cloud, event, adopting=adopting)


def under_freeze(cloud: Cloud, event: Freezable) -> Freezable:
    """The event with the environment's freeze, which is read for services in our care alone."""
    if event.service not in cloud.environment.services:
        return event
    return replace(event, frozen=cloud.ledger.freeze())
