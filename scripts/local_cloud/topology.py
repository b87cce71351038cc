"""Which topic calls which function: the one table, created through Google's own client.

Push goes to the function's URL with the topic's full name in the path; the token's audience is the bare URL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1.services.publisher.client import PublisherClient
from google.pubsub_v1.services.publisher.transports.grpc import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.client import SubscriberClient
from google.pubsub_v1.services.subscriber.transports.grpc import SubscriberGrpcTransport
from google.pubsub_v1.types import pubsub

from scripts.local_cloud.contracts import PROJECT
from shared.adapters.google_api import insecure_channel

FUNCTIONS = (
    "image_pushed",
    "build_finished",
    "canary_deploy",
    "health_verify",
    "traffic_shift",
    "auto_rollback",
    "rollout_command",
    "notify",
    "sql_backup",
    "backup_verify",
    "restore_drill",
)
PUSH_CALLER = f"pubsub-push@{PROJECT}.iam.gserviceaccount.com"
DELIVERY_ATTEMPTS_MAX = 10
REJECTED_EVENTS = "rejected-events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One push subscription. accepts: its filter on attributes, "" for every message."""

    subscription: str
    topic: str
    function: str
    accepts: str = ""

    @property
    def dead_letters(self) -> str:
        """The topic of messages that were never acked, and the pull subscription that keeps them."""
        return f"{self.subscription}-dead-letters"


# Complements are written with NOT, which also matches a message without the attribute: nothing falls between two.
ROUTES = (
    Route(subscription="image-pushed", topic="gcr", function="image_pushed"),
    Route(subscription="build-finished", topic="cloud-builds", function="build_finished"),
    Route(subscription="canary-deploy", topic="deploy-requests", function="canary_deploy"),
    Route(subscription="health-verify", topic="rollout-ticks", function="health_verify"),
    Route(subscription="health-verify-revisions", topic="revision-changes", function="health_verify"),
    Route(
        subscription="traffic-shift",
        topic="verdicts",
        function="traffic_shift",
        accepts='NOT attributes.verdict = "unhealthy"',
    ),
    Route(
        subscription="auto-rollback-verdicts",
        topic="verdicts",
        function="auto_rollback",
        accepts='attributes.verdict = "unhealthy"',
    ),
    Route(subscription="auto-rollback-alerts", topic="alerts", function="auto_rollback"),
    Route(
        subscription="auto-rollback-commands",
        topic="commands",
        function="auto_rollback",
        accepts='attributes.command = "rollback" OR attributes.command = "abort"',
    ),
    Route(
        subscription="rollout-command",
        topic="commands",
        function="rollout_command",
        accepts='NOT attributes.command = "rollback" AND NOT attributes.command = "abort"',
    ),
    Route(subscription="notify", topic="rollout-events", function="notify"),
    Route(subscription="notify-evidence", topic="verdicts", function="notify", accepts='attributes.evidence = "yes"'),
    Route(subscription="sql-backup", topic="backup-requests", function="sql_backup"),
    Route(
        subscription="sql-backup-counts",
        topic="backup-objects",
        function="sql_backup",
        accepts='hasPrefix(attributes.objectId, "counts/")',
    ),
    Route(
        subscription="backup-verify-objects",
        topic="backup-objects",
        function="backup_verify",
        accepts='NOT hasPrefix(attributes.objectId, "counts/")',
    ),
    Route(subscription="backup-verify-acceptances", topic="backup-acceptances", function="backup_verify"),
    Route(subscription="backup-verify-checks", topic="backup-checks", function="backup_verify"),
    Route(subscription="restore-drill-requests", topic="drill-requests", function="restore_drill"),
    Route(subscription="restore-drill-ticks", topic="drill-ticks", function="restore_drill"),
)
KEPT = (REJECTED_EVENTS, *(route.dead_letters for route in ROUTES))


def topics() -> tuple[str, ...]:
    """Every topic, each once."""
    return tuple(dict.fromkeys([*(route.topic for route in ROUTES), *KEPT]))


def topic_path(topic: str) -> str:
    return f"projects/{PROJECT}/topics/{topic}"


def subscription_path(subscription: str) -> str:
    return f"projects/{PROJECT}/subscriptions/{subscription}"


class Topology:
    """The topics and subscriptions of one Pub/Sub server, and its clients. endpoint: "host:port"."""

    def __init__(self, endpoint: str) -> None:
        self._publisher = PublisherClient(transport=PublisherGrpcTransport(channel=insecure_channel(endpoint)))
        self.subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=insecure_channel(endpoint)))

    def create(
        self,
        function_uris: Mapping[str, str],
        *,
        backoff_min: timedelta = timedelta(seconds=0.2),
        backoff_max: timedelta = timedelta(seconds=5),
        routes: Sequence[Route] = ROUTES,
    ) -> None:
        """Everything in the table. function_uris: the bare URL by function, without a slash at its end."""
        for topic in topics():
            self._publisher.create_topic(name=topic_path(topic))
        for kept in KEPT:
            self.keep(kept, kept)
        for route in routes:
            uri = function_uris[route.function]
            self.subscriber.create_subscription(
                request=pubsub.Subscription(
                    name=subscription_path(route.subscription),
                    topic=topic_path(route.topic),
                    filter=route.accepts,
                    ack_deadline_seconds=60,
                    push_config=pubsub.PushConfig(
                        push_endpoint=f"{uri}/{topic_path(route.topic)}",
                        oidc_token=pubsub.PushConfig.OidcToken(service_account_email=PUSH_CALLER, audience=uri),
                    ),
                    retry_policy=pubsub.RetryPolicy(
                        minimum_backoff=_duration(backoff_min), maximum_backoff=_duration(backoff_max)
                    ),
                    dead_letter_policy=pubsub.DeadLetterPolicy(
                        dead_letter_topic=topic_path(route.dead_letters), max_delivery_attempts=DELIVERY_ATTEMPTS_MAX
                    ),
                )
            )

    def keep(self, subscription: str, topic: str) -> None:
        """A pull subscription that holds what it gets until somebody asks."""
        self.subscriber.create_subscription(
            request=pubsub.Subscription(
                name=subscription_path(subscription), topic=topic_path(topic), ack_deadline_seconds=60
            )
        )

    def close(self) -> None:
        self.subscriber.transport.close()
        self._publisher.transport.close()


def _duration(span: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(span)
    return duration
