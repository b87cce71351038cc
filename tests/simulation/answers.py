"""Promises checked when a message is acked, by what the handler said and what it had seen."""

import json

from shared.rollout import codec
from shared.rollout.names import HoldCause
from tests.simulation.promised import Broken
from tests.simulation.turns import Turn


def nobody_is_blinded(turn: Turn, said: str) -> None:
    """(k) A record that nobody can read keeps no other service from being measured."""
    if "cannot be read" not in said:
        return
    for name, (text, _) in turn.seen.items():
        if text and f"{name} cannot be read" not in said and codec.decode(text).active and f"{name} " not in said:
            raise Broken("k", "A record that nobody can read blinds no other service.", f"{name}: {said}")


def no_tick_is_rejected(turn: Turn, why: str) -> None:
    """(k) Whatever one service carries, a tick measures the others and is acked."""
    if turn.message.topic == "rollout-ticks":
        raise Broken("k", "A record that nobody can read blinds no other service.", f"{turn.function}: {why}")


def a_rollback_happens(turn: Turn, said: str) -> None:
    """(e) A person's rollback of what runs is carried out, whatever was commanded since it was sent."""
    if turn.function != "auto_rollback" or turn.message.topic != "commands":
        return
    body = json.loads(turn.message.data)
    if body["command"] != "rollback" or body["service"] not in turn.seen:
        return
    text = turn.seen[body["service"]][0]
    rollout = codec.decode(text).active if text else None
    if rollout is None or turn.message.published_at <= rollout.started_at:
        return
    stuck = rollout.irreversible or (rollout.hold and rollout.hold.cause is HoldCause.NO_TARGET)
    if not stuck and said.startswith(("stale:", "refused:")):
        raise Broken("e", "A person's rollback is carried out.", f"{rollout.id} is {rollout.phase}: {said}")
