"""Three reasons to go back (a bad verdict, an alert, a person's word) and one way to do it."""

from shared.analysis.verdict import Health
from shared.errors import InvalidEvent
from shared.events import command, incident, verdict
from shared.events.message import Message
from shared.rollout.commands import Verb
from shared.rollout.facts import IncidentChanged
from shared.runtime.care import take_turn
from shared.runtime.cloud import Cloud


def handle(message: Message, cloud: Cloud) -> str:
    """Parse by topic, then one turn: one read and one write of the service."""
    match message.topic:
        case "verdicts":
            judged = verdict.parse(message)
            if judged.verdict is None or judged.verdict.health is not Health.UNHEALTHY:
                return "not_ours: traffic_shift takes every verdict but unhealthy."
            return take_turn(cloud, judged)
        case "alerts":
            changed = incident.parse(message)
            if not isinstance(changed, IncidentChanged):
                return f"{changed.rule}: {changed.text}"
            return take_turn(cloud, changed)
        case "commands":
            order = command.parse(message)
            if order.verb not in (Verb.ROLLBACK, Verb.ABORT):
                return f"not_ours: rollout_command takes {order.verb}."
            return take_turn(cloud, order)
        case topic:
            raise InvalidEvent("topic", f'must be verdicts, alerts or commands, not "{topic}"')
