"""What is particular to our Pub/Sub; what it shares with Google's is in tests/conformance."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, InvalidArgument, MethodNotImplemented, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import pubsub_v1
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import PublisherClient, PubsubMessage, SubscriberClient, Subscription

from scripts.local_cloud.contracts import PROJECT, Publisher
from scripts.local_cloud.gapic.wire import Fail
from scripts.local_cloud.pubsub.server import PubSub
from tests.local_cloud.pubsub_client import PATIENCE_SECONDS, Client, connected


@pytest.fixture
def pubsub() -> Iterator[PubSub]:
    server = PubSub(b"key")
    server.start()
    yield server
    server.stop()


def test_what_the_process_publishes_the_clients_receive(pubsub: PubSub, client: Client) -> None:
    client.subscription("pull", "gcr")
    publisher: Publisher = pubsub
    message_id = publisher.publish("gcr", b"hello", {"kind": "tick"})
    (received,) = client.pull("pull", 1)
    assert received.message.message_id == message_id
    assert (received.message.data, dict(received.message.attributes)) == (b"hello", {"kind": "tick"})


def test_publishing_to_a_topic_that_is_not_there_fails(pubsub: PubSub) -> None:
    with pytest.raises(Fail, match="not found"):
        pubsub.publish("nowhere", b"x", {})


def test_message_ids_never_repeat_after_a_restart(pubsub: PubSub, client: Client) -> None:
    before = int(client.publish("gcr", "x"))
    with_restart = PubSub(b"key")
    with_restart.start()
    try:
        with connected(with_restart.grpc_port) as later:
            later.topic("gcr")
            assert int(later.publish("gcr", "x")) > before
    finally:
        with_restart.stop()


def test_the_snapshot_tells_what_stands_where(pubsub: PubSub, client: Client) -> None:
    client.subscription("pull", "gcr")
    for text in ("a", "b", "c"):
        client.publish("gcr", text)
    received = client.pull("pull", 3)
    client.ack("pull", received[0])
    client.extend("pull", 0, received[1])
    snapshot = json.loads(json.dumps(pubsub.snapshot()))
    (subscription,) = snapshot["subscriptions"]
    age = subscription.pop("oldest_unacked_seconds")
    assert datetime.fromisoformat(snapshot["time"]).tzinfo is not None
    assert snapshot["topics"] == [{"name": f"projects/{PROJECT}/topics/gcr", "published": 3}]
    assert subscription == {
        "name": f"projects/{PROJECT}/subscriptions/pull",
        "topic": f"projects/{PROJECT}/topics/gcr",
        "push_endpoint": "",
        "backlog": 2,
        "delivered": 1,
        "failed": 1,
        "dead_lettered": 0,
    }
    assert 0 < age < PATIENCE_SECONDS


def test_nothing_owed_has_no_age(pubsub: PubSub, client: Client) -> None:
    client.subscription("pull", "gcr")
    assert pubsub.snapshot()["subscriptions"][0]["oldest_unacked_seconds"] == 0


def test_the_streaming_client_holds_no_more_than_it_said(client: Client) -> None:
    name = client.subscription("pull", "gcr")
    held, most, released = [0], [0], threading.Event()
    lock, third, done, count = threading.Lock(), threading.Event(), threading.Event(), [0]

    def callback(message: pubsub_v1.subscriber.message.Message) -> None:
        with lock:
            held[0] += 1
            most[0] = max(most[0], held[0])
            if held[0] == 3:
                third.set()
        released.wait(PATIENCE_SECONDS)
        with lock:
            held[0] -= 1
            count[0] += 1
            if count[0] == 10:
                done.set()
        message.ack()

    for number in range(10):
        client.publish("gcr", str(number))
    flow = pubsub_v1.types.FlowControl(max_messages=3)
    stream = client.subscriber.subscribe(name, callback, flow_control=flow)
    assert third.wait(PATIENCE_SECONDS)
    released.set()
    assert done.wait(PATIENCE_SECONDS)
    stream.cancel()
    stream.result(PATIENCE_SECONDS)
    assert most == [3]


def test_stopping_ends_a_streaming_pull_in_waiting() -> None:
    before = set(threading.enumerate())
    server, connected_once = PubSub(b"key"), threading.Event()
    server.start()
    with connected(server.grpc_port) as client:
        client.topic("gcr")
        name = client.subscription("pull", "gcr")
        stream = client.subscriber.subscribe(name, lambda _message: connected_once.set())
        server.publish("gcr", b"x", {})
        assert connected_once.wait(PATIENCE_SECONDS)
        server.stop()
        with pytest.raises(NotFound):
            stream.result(PATIENCE_SECONDS)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert {thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("grpc")} == set()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filter": "attributes.kind ="}, "filter"),
        ({"ack_deadline_seconds": 9}, "ack_deadline_seconds"),
        ({"ack_deadline_seconds": 601}, "ack_deadline_seconds"),
        ({"push_config": {"push_endpoint": "ftp://x"}}, "push_endpoint"),
        ({"dead_letter_policy": {"max_delivery_attempts": 5}}, "names no topic"),
        ({"retry_policy": {"minimum_backoff": Duration(seconds=60), "maximum_backoff": Duration(seconds=10)}}, "range"),
        ({"retry_policy": {"maximum_backoff": Duration(seconds=601)}}, "range"),
    ],
)
def test_a_subscription_the_real_service_refuses_is_refused(
    client: Client, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        client.subscription("pull", "gcr", **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"enable_exactly_once_delivery": True},
        {"bigquery_config": {"table": "p.d.t"}},
        {"push_config": {"push_endpoint": "http://127.0.0.1:1", "no_wrapper": {"write_metadata": True}}},
    ],
)
def test_what_is_not_served_is_said_to_be_so(client: Client, fields: dict[str, object]) -> None:
    with pytest.raises(MethodNotImplemented):
        client.subscription("pull", "gcr", **fields)


@pytest.mark.parametrize("path", ["filter", "topic", "name", "enable_message_ordering", "no_such_field"])
def test_what_is_fixed_at_creation_cannot_be_updated(client: Client, path: str) -> None:
    name = client.subscription("pull", "gcr")
    with pytest.raises(InvalidArgument, match=path):
        client.subscriber.update_subscription(
            request={"subscription": {"name": name}, "update_mask": {"paths": [path]}}
        )


def test_a_retry_policy_set_later_holds_for_what_is_already_there(client: Client) -> None:
    name = client.subscription("pull", "gcr", retry_policy={"minimum_backoff": Duration(seconds=600)})
    client.publish("gcr", "x")
    policy = {"minimum_backoff": Duration(nanos=1000), "maximum_backoff": Duration(nanos=1000)}
    client.subscriber.update_subscription(
        request={"subscription": {"name": name, "retry_policy": policy}, "update_mask": {"paths": ["retry_policy"]}}
    )
    client.extend("pull", 0, *client.pull("pull", 1))
    assert len(client.pull("pull", 1)) == 1


def test_lists_come_in_pages(client: Client) -> None:
    for number in range(7):
        client.topic(f"topic-{number}")
        client.subscription(f"subscription-{number}", "gcr")
    project = f"projects/{PROJECT}"
    topics = client.publisher.list_topics(request={"project": project, "page_size": 3})
    assert len([topic.name for topic in topics]) == 8
    of_topic = client.publisher.list_topic_subscriptions(request={"topic": client.topic_name("gcr"), "page_size": 2})
    assert len(list(of_topic)) == 7
    subscriptions = client.subscriber.list_subscriptions(request={"project": project, "page_size": 7})
    assert len([subscription.name for subscription in subscriptions]) == 7
    with pytest.raises(InvalidArgument):
        client.publisher.list_topics(request={"project": project, "page_token": "not ours"})


def test_the_same_is_served_over_rest(pubsub: PubSub) -> None:
    options = {"api_endpoint": f"http://127.0.0.1:{pubsub.rest_port}"}
    rest: dict[str, Any] = {"transport": "rest", "credentials": AnonymousCredentials(), "client_options": options}
    topic, name = f"projects/{PROJECT}/topics/gcr", f"projects/{PROJECT}/subscriptions/pull"
    with PublisherClient(**rest) as publisher, SubscriberClient(**rest) as subscriber:
        publisher.create_topic(name=topic)
        subscriber.create_subscription(name=name, topic=topic, ack_deadline_seconds=20)
        (message_id,) = publisher.publish(
            topic=topic, messages=[PubsubMessage(data=b"x", attributes={"a": "b"})]
        ).message_ids
        (received,) = subscriber.pull(subscription=name, max_messages=1).received_messages
        assert (received.message.message_id, received.message.data) == (message_id, b"x")
        subscriber.acknowledge(subscription=name, ack_ids=[received.ack_id])
        changed = subscriber.update_subscription(
            subscription=Subscription(name=name, ack_deadline_seconds=30),
            update_mask=FieldMask(paths=["ack_deadline_seconds"]),
        )
        assert changed.ack_deadline_seconds == 30
        assert subscriber.get_subscription(subscription=name).topic == topic
        assert [one.name for one in publisher.list_topics(project=f"projects/{PROJECT}")] == [topic]
        with pytest.raises(Conflict):
            publisher.create_topic(name=topic)
        with pytest.raises(NotFound):
            publisher.get_topic(topic=f"projects/{PROJECT}/topics/other")
        with pytest.raises(BadRequest):
            publisher.create_topic(name=f"projects/{PROJECT}/topics/ab")
        publisher.delete_topic(topic=topic)
        assert subscriber.get_subscription(subscription=name).topic == "_deleted-topic_"
    assert pubsub.snapshot()["subscriptions"][0]["delivered"] == 1
