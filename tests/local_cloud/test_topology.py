"""The table of topics and subscriptions is complete, and the server holds exactly it once created."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from google.pubsub_v1.services.subscriber.client import SubscriberClient
from google.pubsub_v1.services.subscriber.transports.grpc import SubscriberGrpcTransport
from google.pubsub_v1.types import pubsub

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.pubsub.server import PubSub
from scripts.local_cloud.topology import (
    DELIVERY_ATTEMPTS_MAX,
    FUNCTIONS,
    KEPT,
    PUSH_CALLER,
    ROUTES,
    Topology,
    subscription_path,
    topic_path,
    topics,
)
from shared.adapters.google_api import insecure_channel

FUNCTION_DIRECTORY = Path(__file__).parents[2] / "functions"


def test_every_function_of_the_repository_is_called_by_some_subscription() -> None:
    assert {path.parent.name for path in FUNCTION_DIRECTORY.glob("*/main.py")} == set(FUNCTIONS)
    assert {route.function for route in ROUTES} == set(FUNCTIONS)


def test_names_are_unique_and_legal() -> None:
    names = [route.subscription for route in ROUTES]
    assert len(set(names)) == len(names)
    for name in (*names, *topics()):
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9._~+%-]{2,254}", name)
        assert not name.startswith("goog")


def test_every_subscription_has_its_own_dead_letters_that_are_kept() -> None:
    dead_letters = [route.dead_letters for route in ROUTES]
    assert len(set(dead_letters)) == len(ROUTES)
    assert set(dead_letters) < set(KEPT)


def accepted_by(accepts: str, value: str | None) -> bool:
    """Evaluates the filters of this table, which know `=`, NOT, AND and OR over one attribute."""

    def term(text: str) -> bool:
        positive = text.removeprefix("NOT ")
        found = re.fullmatch(r'attributes\.\w+ = "(\w+)"', positive)
        assert found
        return (value == found[1]) is (positive == text)

    if not accepts:
        return True
    if " OR " in accepts:
        return any(term(part) for part in accepts.split(" OR "))
    return all(term(part) for part in accepts.split(" AND "))


@pytest.mark.parametrize("topic", ["verdicts", "commands"])
@pytest.mark.parametrize("value", ["unhealthy", "healthy", "rollback", "abort", "pause", None])
def test_a_message_of_a_shared_topic_reaches_exactly_one_function(topic: str, value: str | None) -> None:
    takers = [route for route in ROUTES if route.topic == topic and accepted_by(route.accepts, value)]
    assert len(takers) == 1


def test_only_filtered_subscriptions_share_a_topic() -> None:
    by_topic = defaultdict(list)
    for route in ROUTES:
        by_topic[route.topic].append(route)
    assert all(route.accepts for routes in by_topic.values() if len(routes) > 1 for route in routes)


def test_the_server_holds_the_table_after_creation() -> None:
    server = PubSub(b"key")
    server.start()
    endpoint = f"127.0.0.1:{server.grpc_port}"
    topology = Topology(endpoint)
    client = SubscriberClient(transport=SubscriberGrpcTransport(channel=insecure_channel(endpoint)))
    try:
        uris = {name: f"http://127.0.0.1:{9000 + index}" for index, name in enumerate(FUNCTIONS)}
        topology.create(uris)
        held = {row.name: row for row in client.list_subscriptions(project=f"projects/{PROJECT}")}
    finally:
        topology.close()
        client.transport.close()
        server.stop()
    assert set(held) == {subscription_path(name) for name in (*KEPT, *(route.subscription for route in ROUTES))}
    for route in ROUTES:
        check_subscription(held[subscription_path(route.subscription)], uris[route.function], route.topic)
        assert held[subscription_path(route.subscription)].filter == route.accepts
        dead = held[subscription_path(route.subscription)].dead_letter_policy
        assert dead.dead_letter_topic == topic_path(route.dead_letters)
        assert dead.max_delivery_attempts == DELIVERY_ATTEMPTS_MAX


def check_subscription(row: pubsub.Subscription, uri: str, topic: str) -> None:
    assert row.topic == topic_path(topic)
    assert row.push_config.push_endpoint == f"{uri}/projects/{PROJECT}/topics/{topic}"
    assert row.push_config.oidc_token.audience == uri
    assert row.push_config.oidc_token.service_account_email == PUSH_CALLER
