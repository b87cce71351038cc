"""Both ends of a Pub/Sub: a client of the server that a test's own `pubsub` is, and an endpoint for its pushes."""

from collections.abc import Iterator
from typing import Protocol

import pytest

from tests.local_cloud.pubsub_client import Client, connected
from tests.local_cloud.push_endpoint import PushEndpoint


class Server(Protocol):
    grpc_port: int


@pytest.fixture
def client(pubsub: Server) -> Iterator[Client]:
    with connected(pubsub.grpc_port) as client:
        client.topic("gcr")
        yield client


@pytest.fixture
def endpoint() -> Iterator[PushEndpoint]:
    endpoint = PushEndpoint()
    yield endpoint
    endpoint.stop()
