"""Sends what a subscription could not deliver to its topic again, each message with the time it was first published.

    scripts/replay_dead_letters.py auto-rollback-alerts --project P --dry-run     show what is kept
    scripts/replay_dead_letters.py auto-rollback-alerts --project P               send it again

The time is in an attribute that Pub/Sub added, and every parser prefers it: an old push stays old and is ignored by
name. A message is taken from the dead letters only once the topic has it; a crash in between sends it twice, which is
harmless. Every subscription of the topic gets it again, which is harmless too. PUBSUB_EMULATOR_HOST names a local
cloud.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from google.api_core.exceptions import DeadlineExceeded, NotFound
from google.cloud import pubsub_v1

FIRST_TIME = "CloudPubSubDeadLetterSourceTopicPublishTime"
_BATCH = 100
_SECONDS = 30
_QUIET_SECONDS = 3  # a pull that waits so long found nothing more


def kept(subscriber: pubsub_v1.SubscriberClient, subscription: str, count_max: int) -> Iterator[Any]:
    """Received messages of the subscription, leased and not acked, at most `count_max`."""
    count = 0
    while count < count_max:
        request = {"subscription": subscription, "max_messages": min(_BATCH, count_max - count)}
        try:
            batch = subscriber.pull(request=request, timeout=_QUIET_SECONDS, retry=None).received_messages
        except DeadlineExceeded:
            return
        if not batch:
            return
        yield from batch
        count += len(batch)


def replay(project: str, subscription: str, *, count_max: int, dry_run: bool) -> int:
    """How many messages were sent again, or would be. Raises NotFound."""
    with pubsub_v1.SubscriberClient() as subscriber, pubsub_v1.PublisherClient() as publisher:
        source = f"projects/{project}/subscriptions/{subscription}"
        topic = subscriber.get_subscription(subscription=source, timeout=_SECONDS).topic
        letters = f"{source}-dead-letters"
        sent = 0
        for received in kept(subscriber, letters, count_max):
            message = received.message
            attributes = dict(message.attributes)
            print(f"{attributes.get(FIRST_TIME, 'unknown time')}  {message.data[:100]!r}")
            if not dry_run:
                publisher.publish(topic, message.data, **attributes).result(timeout=_SECONDS)
                subscriber.acknowledge(subscription=letters, ack_ids=[received.ack_id], timeout=_SECONDS)
            sent += 1
        if dry_run and sent:
            print(f"Nothing was sent. Leases end by themselves; then it can be replayed to {topic}.")
    return sent


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subscription", help="the one that could not deliver, without -dead-letters")
    parser.add_argument("--project", required=True, help="the environment's project id")
    parser.add_argument("--count-max", type=int, default=1000, help="at most so many")
    parser.add_argument("--dry-run", action="store_true", help="show the messages and send nothing")
    options = parser.parse_args(arguments)
    try:
        sent = replay(options.project, options.subscription, count_max=options.count_max, dry_run=options.dry_run)
    except NotFound as error:
        parser.error(error.message)
    print(f"{sent} {'kept' if options.dry_run else 'sent again'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
