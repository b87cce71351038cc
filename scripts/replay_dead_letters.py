"""Sends again what could not be delivered, or was rejected, each message with the time it was first published.

    scripts/replay_dead_letters.py auto-rollback-alerts --project P --dry-run       show the dead letters that are kept
    scripts/replay_dead_letters.py auto-rollback-alerts --project P                 send them to their topic again
    scripts/replay_dead_letters.py --rejected auto_rollback --project P --dry-run   what this function rejected
    scripts/replay_dead_letters.py --rejected auto_rollback --project P             send it to its topic again

The time goes with the message as an attribute, once and for ever: an old push stays old and is ignored by name, however
often it dies and is sent again. A message is kept no more only once the topic has it; a crash in between sends it
twice, which is harmless. Every subscription of the topic gets it again, which is harmless too.
PUBSUB_EMULATOR_HOST names a local cloud.
"""

import argparse
import json
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.own_python import sentence

try:
    from google.api_core.exceptions import DeadlineExceeded, NotFound
    from google.cloud import pubsub_v1

    from shared.errors import InvalidEvent
    from shared.runtime import envelope
except ImportError as error:
    sys.exit(sentence(error))

FIRST_TIME = "original_publish_time"
DEATH_TIME = "CloudPubSubDeadLetterSourceTopicPublishTime"  # Pub/Sub writes it anew at every death
REJECTED = "rejected-events"
_BATCH = 100
_SECONDS = 30
_QUIET_SECONDS = 3  # a pull that waits so long found nothing more


class Again(NamedTuple):
    """What is sent, and where to. first_time: in RFC 3339, or "" when nobody knows."""

    topic: str
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str
    first_time: str


def kept(subscriber: Any, subscription: str, count_max: int) -> Iterator[Any]:
    """Received messages of the subscription, leased and not acked, at most `count_max`, each once."""
    seen: set[str] = set()
    while len(seen) < count_max:
        request = {"subscription": subscription, "max_messages": min(_BATCH, count_max - len(seen))}
        try:
            batch = subscriber.pull(request=request, timeout=_QUIET_SECONDS, retry=None).received_messages
        except DeadlineExceeded:
            return
        new = [received for received in batch if received.message.message_id not in seen]
        if not new:
            return
        seen.update(received.message.message_id for received in new)
        yield from new


def dead_letter(message: Any, topic: str) -> Again:
    """A dead letter as it was, with the first of all times it carries."""
    attributes = dict(message.attributes)
    times = [attributes[name] for name in (FIRST_TIME, DEATH_TIME) if name in attributes]
    first = min(times, key=datetime.fromisoformat, default="")
    return Again(topic, message.data, attributes, message.ordering_key, first)


def rejected(message: Any, project: str) -> Again:
    """What the function was sent. Raises InvalidEvent for what is no push at all: nobody can send that again."""
    entry = json.loads(message.data)
    read = envelope.read({}, b64decode(entry["body"]), entry["path"])
    topic = f"projects/{project}/topics/{read.topic}"
    return Again(topic, read.data, read.attributes, read.ordering_key, read.published_at.isoformat())


def replay(project: str, subscription: str, function: str, *, count_max: int, dry_run: bool) -> int:
    """How many messages were sent again, or would be. function: whose rejected messages, or "". Raises NotFound."""
    ordering = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    with pubsub_v1.SubscriberClient() as subscriber, pubsub_v1.PublisherClient(publisher_options=ordering) as publisher:
        source, topic = f"projects/{project}/subscriptions/{subscription or REJECTED}", ""
        sent, left = 0, []
        if subscription:
            topic = subscriber.get_subscription(subscription=source, timeout=_SECONDS).topic
            source = f"{source}-dead-letters"
        for received in kept(subscriber, source, count_max):
            message = received.message
            left.append(received.ack_id)
            if function and message.attributes.get("function") != function:
                continue
            try:
                again = rejected(message, project) if function else dead_letter(message, topic)
            except InvalidEvent as error:
                print(f"cannot be sent again, and stays: {error}")
                continue
            print(f"{again.first_time or 'unknown time'}  {again.topic.rpartition('/')[2]}  {again.data[:100]!r}")
            if not dry_run:
                attributes = {**again.attributes, **({FIRST_TIME: again.first_time} if again.first_time else {})}
                publisher.publish(again.topic, again.data, again.ordering_key, **attributes).result(timeout=_SECONDS)
                subscriber.acknowledge(subscription=source, ack_ids=[left.pop()], timeout=_SECONDS)
            sent += 1
        for start in range(0, len(left), _BATCH):  # given back, for the next run
            ack_ids = left[start : start + _BATCH]
            subscriber.modify_ack_deadline(
                subscription=source, ack_ids=ack_ids, ack_deadline_seconds=0, timeout=_SECONDS
            )
    return sent


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "subscription", nargs="?", default="", help="the one that could not deliver, without -dead-letters"
    )
    what.add_argument("--rejected", metavar="FUNCTION", default="", help="what this function kept on rejected-events")
    parser.add_argument("--project", required=True, help="the environment's project id")
    parser.add_argument("--count-max", type=int, default=1000, help="look at so many at most")
    parser.add_argument("--dry-run", action="store_true", help="show the messages and send nothing")
    options = parser.parse_args(arguments)
    count_max, dry_run = options.count_max, options.dry_run
    try:
        sent = replay(options.project, options.subscription, options.rejected, count_max=count_max, dry_run=dry_run)
    except NotFound as error:
        parser.error(error.message)
    print(f"{sent} {'kept' if dry_run else 'sent again'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
