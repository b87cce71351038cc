"""Pub/Sub publishing through Google's generated client: one call per message, done when the service has it.

The batching client of `google.cloud.pubsub` publishes from a background thread, which gets no CPU after the response.
"""

import os
from collections.abc import Mapping
from functools import cached_property

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.pubsub_v1.services.publisher.client import PublisherClient
from google.pubsub_v1.services.publisher.transports.grpc import PublisherGrpcTransport
from google.pubsub_v1.types import pubsub

from shared.adapters.google_api import CALL_SECONDS, insecure_channel, our_errors

EMULATOR_VARIABLE = "PUBSUB_EMULATOR_HOST"
_PUBLISH_SECONDS = 15.0


class PubSubMessages:
    """The topics of one project; PUBSUB_EMULATOR_HOST ("host:port") names a local server instead of Google."""

    def __init__(self, project: str) -> None:
        self._project = project

    @cached_property
    def _transport(self) -> PublisherGrpcTransport:
        emulator = os.environ.get(EMULATOR_VARIABLE)
        if not emulator:
            return PublisherGrpcTransport()
        if "K_SERVICE" in os.environ:
            raise RuntimeError(f"{EMULATOR_VARIABLE} is set on Cloud Run: every message would be lost")
        return PublisherGrpcTransport(channel=insecure_channel(emulator))

    @cached_property
    def _publisher(self) -> PublisherClient:
        return PublisherClient(transport=self._transport)

    def close(self) -> None:
        if "_transport" in self.__dict__:
            self._transport.grpc_channel.close()

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str], ordering_key: str = "") -> None:
        """Repeats while the service is unavailable: a message may arrive twice, and every reader knows it."""
        message = pubsub.PubsubMessage(data=data, attributes=dict(attributes), ordering_key=ordering_key)
        with our_errors():
            self._publisher.publish(
                request=pubsub.PublishRequest(topic=f"projects/{self._project}/topics/{topic}", messages=[message]),
                retry=Retry(
                    predicate=if_exception_type(
                        exceptions.ServiceUnavailable, exceptions.Aborted, exceptions.InternalServerError
                    ),
                    initial=0.1,
                    maximum=2.0,
                    timeout=_PUBLISH_SECONDS,
                ),
                timeout=CALL_SECONDS,
            )
