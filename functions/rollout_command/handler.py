"""An operator's command that does not roll back: for one service, or "*" to freeze the whole environment."""

from shared.errors import InvalidEvent
from shared.events import announcement as announcements
from shared.events import command
from shared.events.message import Message
from shared.events.topics import ROLLOUT_EVENTS
from shared.rollout.announcement import Announcement, Severity
from shared.rollout.commands import Command, Verb
from shared.runtime.care import take_turn, under_freeze
from shared.runtime.cloud import Cloud

WHOLE_ENVIRONMENT = "*"


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, then one turn; or one write of the environment's freeze."""
    order = command.parse(message)
    if order.verb in (Verb.ROLLBACK, Verb.ABORT):
        return f"not_ours: auto_rollback takes {order.verb}."
    if order.service == WHOLE_ENVIRONMENT:
        return _freeze_environment(order, cloud)
    return take_turn(cloud, under_freeze(cloud, order))


def _freeze_environment(order: Command, cloud: Cloud) -> str:
    if order.verb not in (Verb.FREEZE, Verb.UNFREEZE):
        raise InvalidEvent("service", f'"{WHOLE_ENVIRONMENT}" goes with freeze and unfreeze only, not {order.verb}')
    frozen = order.verb is Verb.FREEZE
    text = f"{order.by} {'froze' if frozen else 'unfroze'} {cloud.environment.name}: {order.why}"
    if not cloud.ledger.set_freeze(text if frozen else "", order.at):
        return f"stale: a newer command froze or unfroze {cloud.environment.name} already."
    kind = "environment.frozen" if frozen else "environment.unfrozen"
    news = Announcement(
        key=f"environment/{order.request_id}-{kind}",
        kind=kind,
        service=WHOLE_ENVIRONMENT,
        at=order.at,
        text=text,
        severity=Severity.WARNING,
    )
    data, attributes = announcements.encode(news)
    cloud.messages.publish(ROLLOUT_EVENTS, data, attributes)
    return f"{order.verb}: {text}"
