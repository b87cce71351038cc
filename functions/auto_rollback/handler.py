"""Three reasons to go back (a bad verdict, an alert, a person's word) and one way to do it."""

from shared.errors import InvalidEvent
from shared.events.message import Message
from shared.runtime.care import take_turn
from shared.runtime.cloud import Cloud


def handle(message: Message, cloud: Cloud) -> str:
    """Parse by topic, then one turn: one read and one write of the service. Only the topic's parser is loaded."""
    match message.topic:
        case "verdicts":
            return _judged(message, cloud)
        case "alerts":
            return _alerted(message, cloud)
        case "commands":
            return _ordered(message, cloud)
        case topic:
            raise InvalidEvent("topic", f'must be verdicts, alerts or commands, not "{topic}"')


def _judged(message: Message, cloud: Cloud) -> str:
    from shared.analysis.verdict import Health
    from shared.events import verdict

    judged = verdict.parse(message)
    if judged.verdict is None or judged.verdict.health is not Health.UNHEALTHY:
        return "not_ours: traffic_shift takes every verdict but unhealthy."
    return take_turn(cloud, judged)


def _alerted(message: Message, cloud: Cloud) -> str:
    from shared.events import incident
    from shared.events.ignored import Ignored

    changed = incident.parse(message)
    if isinstance(changed, Ignored):
        return f"{changed.rule}: {changed.text}"
    return take_turn(cloud, changed)


def _ordered(message: Message, cloud: Cloud) -> str:
    from shared.events import command
    from shared.rollout.commands import Verb

    order = command.parse(message)
    if order.verb not in (Verb.ROLLBACK, Verb.ABORT):
        return f"not_ours: rollout_command takes {order.verb}."
    return take_turn(cloud, order)
