"""An operator's command that does not roll back: for one service, or "*" to freeze the whole environment."""

from shared.errors import InvalidEvent
from shared.events import announcement as announcements
from shared.events import command
from shared.events.message import Message
from shared.events.topics import ROLLOUT_EVENTS
from shared.rollout.announcement import Announcement, Severity
from shared.rollout.commands import Command, Verb
from shared.rollout.freezes import EVERYBODY
from shared.runtime.care import take_turn, under_freeze
from shared.runtime.cloud import Cloud

WHOLE_ENVIRONMENT = "*"  # as the service


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, then one turn; or one write of the environment's freeze."""
    order = command.parse(message)
    if order.verb in (Verb.ROLLBACK, Verb.ABORT):
        return f"not_ours: auto_rollback takes {order.verb}."
    if order.service == WHOLE_ENVIRONMENT:
        return _freeze_environment(order, command.holder(message), cloud)
    return take_turn(cloud, under_freeze(cloud, order))


def _freeze_environment(order: Command, holder: str, cloud: Cloud) -> str:
    """The holder's freeze alone: a window's end leaves a person's stop, and says that it stands.

    Scheduler repeats a window's request id every week, so the time it was published tells one weekend's news from the
    next; it stays the same when a message is delivered again.
    """
    if order.verb not in (Verb.FREEZE, Verb.UNFREEZE):
        raise InvalidEvent("service", f'"{WHOLE_ENVIRONMENT}" goes with freeze and unfreeze only, not {order.verb}')
    frozen, name = order.verb is Verb.FREEZE, cloud.environment.name
    if frozen and holder == EVERYBODY:
        raise InvalidEvent("holder", f'"{EVERYBODY}" goes with unfreeze only: a freeze is somebody\'s')
    text = f"{order.by} {'froze' if frozen else 'unfroze'} {name}: {order.why}"
    standing = cloud.ledger.set_freeze(holder, text if frozen else "", order.at)
    if standing is None:
        return f"stale: a newer command of {holder} froze or unfroze {name} already."
    kind = "environment.frozen" if frozen else "environment.unfrozen"
    if standing.reason and not frozen:
        kind = "environment.still_frozen"
        text = f"{text.rstrip('.')}. It is still frozen: {standing.reason}"
    news = Announcement(
        key=f"environment/{order.request_id}-{order.at:%Y%m%dT%H%M%S%fZ}-{kind}",
        kind=kind,
        service=WHOLE_ENVIRONMENT,
        at=order.at,
        text=text,
        severity=Severity.WARNING,
        details={"by": order.by, "holder": holder},
    )
    data, attributes = announcements.encode(news)
    cloud.messages.publish(ROLLOUT_EVENTS, data, attributes)
    return f"{order.verb}: {text}"
