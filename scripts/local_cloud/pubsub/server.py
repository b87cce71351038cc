"""A Pub/Sub inside this process, spoken to as the real one: gRPC for the clients, REST for gcloud.

It keeps messages in memory and promises what the real one does: each is delivered until acknowledged. Without a
journal it promises that only while it lives.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.pubsub_v1.services.publisher.transports.grpc import PublisherGrpcTransport
from google.pubsub_v1.services.publisher.transports.rest_base import _BasePublisherRestTransport
from google.pubsub_v1.services.subscriber.transports.grpc import SubscriberGrpcTransport
from google.pubsub_v1.services.subscriber.transports.rest_base import _BaseSubscriberRestTransport

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.gapic.wire import (
    GrpcServer,
    Intercept,
    RestServer,
    rest_routes,
    serve_grpc,
    serve_rest,
    straight,
    wire_table,
)
from scripts.local_cloud.pubsub.broker import Broker
from scripts.local_cloud.pubsub.drafts import Draft
from scripts.local_cloud.pubsub.journal import Journal, Remains, remains
from scripts.local_cloud.pubsub.services import PublisherService, SubscriberService
from scripts.local_cloud.pubsub.subscription_settings import ACK_DEADLINE_SECONDS


class PubSub:
    """`token_key` signs the OIDC tokens of pushes. A shorter least ack deadline than the real one is for tests.

    intercept: stands between every gRPC call and its answer; journal: a file to go on from and to write to.
    """

    def __init__(
        self,
        token_key: bytes,
        *,
        ack_deadline_seconds_min: float = ACK_DEADLINE_SECONDS[0],
        intercept: Intercept = straight,
        journal: Path | None = None,
    ) -> None:
        left = remains(journal) if journal else Remains()
        self._journal = Journal(journal) if journal else None
        self._broker = Broker(token_key, ack_deadline_seconds_min=ack_deadline_seconds_min, journal=self._journal)
        self._broker.restore(left)
        self._intercept = intercept
        self._grpc: GrpcServer | None = None
        self._rest: RestServer | None = None
        self.grpc_port = 0
        self.rest_port = 0

    def start(self, grpc_port: int = 0, rest_port: int = 0) -> None:
        """Listens on loopback; 0 takes a free port, told by the attributes of the same name."""
        publisher, subscriber = PublisherService(self._broker), SubscriberService(self._broker)
        publisher_table, subscriber_table = wire_table(PublisherGrpcTransport), wire_table(SubscriberGrpcTransport)
        self._grpc, self.grpc_port = serve_grpc(
            [(publisher_table, publisher), (subscriber_table, subscriber)], grpc_port, self._intercept
        )
        self._rest, self.rest_port = serve_rest(
            [
                (rest_routes(_BasePublisherRestTransport, publisher_table), publisher),
                (rest_routes(_BaseSubscriberRestTransport, subscriber_table), subscriber),
            ],
            rest_port,
        )
        self._broker.push()

    def stop(self) -> None:
        """Ends deliveries first, then the servers; harmless when not started."""
        self._broker.close()
        if self._rest is not None:
            self._rest.stop()
        if self._grpc is not None:
            self._grpc.stop(grace=1)
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        """Publishes to a topic by its short name in PROJECT; returns the message id. Raises Fail without the topic."""
        draft = Draft(data=data, attributes=dict(attributes))
        return self._broker.publish(f"projects/{PROJECT}/topics/{topic}", [draft])[0]

    def snapshot(self) -> dict[str, Any]:
        """What stands where, as JSON: topics with what was published, subscriptions with what they did and owe."""
        return {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "topics": [{"name": name, "published": topic.published} for name, topic in self._broker.topics()],
            "subscriptions": [standing.subscription.report().as_json() for _name, standing in self._broker.standings()],
        }
