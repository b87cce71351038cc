"""What is not acknowledged is pushed again: after which rest, in which order, and until when."""

import itertools
import threading
from collections.abc import Iterator
from datetime import datetime

import pytest
from google.protobuf.duration_pb2 import Duration

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.pubsub.server import PubSub
from tests.local_cloud.pubsub_client import Client
from tests.local_cloud.push_endpoint import Push, PushEndpoint
from tests.local_cloud.pushing import wait_until_settled


@pytest.fixture
def pubsub() -> Iterator[PubSub]:
    server = PubSub(b"key", ack_deadline_seconds_min=1)
    server.start()
    yield server
    server.stop()


def backoff(seconds: float) -> dict[str, Duration]:
    rest = Duration(nanos=int(seconds * 1e9))
    return {"minimum_backoff": rest, "maximum_backoff": rest}


@pytest.mark.parametrize("status", [102, 200, 201, 202, 204])
def test_these_statuses_acknowledge(pubsub: PubSub, client: Client, endpoint: PushEndpoint, status: int) -> None:
    endpoint.answer = lambda _push: status
    client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url})
    client.publish("gcr", "x")
    endpoint.wait_for(1)
    report = wait_until_settled(pubsub, "push")
    assert (report["delivered"], report["failed"], len(endpoint.pushes)) == (1, 0, 1)


@pytest.mark.parametrize("status", [203, 301, 400, 401, 404, 429, 500, 503])
def test_every_other_status_brings_the_message_again(
    pubsub: PubSub, client: Client, endpoint: PushEndpoint, status: int
) -> None:
    endpoint.answer = lambda _push: status if len(endpoint.pushes) == 1 else 200
    client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url}, retry_policy=backoff(0.01))
    client.publish("gcr", "x")
    first, second = endpoint.wait_for(2)
    assert first.body == second.body
    assert wait_until_settled(pubsub, "push")["failed"] == 1


def test_rests_grow_between_attempts(client: Client, endpoint: PushEndpoint) -> None:
    endpoint.answer = lambda _push: 500 if len(endpoint.pushes) < 5 else 200
    policy = {"minimum_backoff": Duration(nanos=50_000_000), "maximum_backoff": Duration(nanos=200_000_000)}
    client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url}, retry_policy=policy)
    client.publish("gcr", "x")
    pushes = endpoint.wait_for(5)
    rests = [later.at - sooner.at for sooner, later in itertools.pairwise(pushes)]
    assert all(rest >= least for rest, least in zip(rests, (0.05, 0.1, 0.2, 0.2), strict=True)), rests


def test_several_failing_messages_are_all_retried_until_they_succeed(
    pubsub: PubSub, client: Client, endpoint: PushEndpoint
) -> None:
    def third_time(push: Push) -> int:
        return 200 if sum(one.text == push.text for one in list(endpoint.pushes)) >= 3 else 503

    endpoint.answer = third_time
    client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url}, retry_policy=backoff(0.02))
    for number in range(20):
        client.publish("gcr", str(number))
    endpoint.wait_for(60)
    report = wait_until_settled(pubsub, "push")
    assert (report["delivered"], report["failed"]) == (20, 40)


def test_a_poisonous_message_ends_in_the_dead_letters_with_its_story(
    pubsub: PubSub, client: Client, endpoint: PushEndpoint
) -> None:
    endpoint.answer = lambda _push: 500
    client.topic("dead")
    client.subscription("morgue", "dead")
    client.subscription(
        "push",
        "gcr",
        push_config={"push_endpoint": endpoint.url},
        retry_policy=backoff(0.01),
        dead_letter_policy={"dead_letter_topic": client.topic_name("dead"), "max_delivery_attempts": 5},
    )
    message_id = client.publish("gcr", "poison", attributes={"kind": "canary"})
    (dead,) = client.pull("morgue", 1)
    source = "CloudPubSubDeadLetterSource"
    attributes = dict(dead.message.attributes)
    published = datetime.fromisoformat(attributes.pop(f"{source}TopicPublishTime"))
    assert attributes == {
        "kind": "canary",
        f"{source}DeliveryCount": "5",
        f"{source}Subscription": "push",
        f"{source}SubscriptionProject": PROJECT,
        f"{source}DeliveryErrorMessage": "the push endpoint answered HTTP 500",
    }
    assert dead.message.data == b"poison"
    assert dead.message.message_id != message_id
    assert published == datetime.fromisoformat(endpoint.pushes[0].message["publishTime"])
    assert [push.body["deliveryAttempt"] for push in endpoint.pushes] == [1, 2, 3, 4, 5]
    report = wait_until_settled(pubsub, "push")
    assert (report["delivered"], report["failed"], report["dead_lettered"]) == (0, 5, 1)


def test_a_message_survives_a_missing_dead_letter_topic(client: Client, endpoint: PushEndpoint) -> None:
    endpoint.answer = lambda _push: 500 if len(endpoint.pushes) <= 6 else 200
    client.subscription(
        "push",
        "gcr",
        push_config={"push_endpoint": endpoint.url},
        retry_policy=backoff(0.01),
        dead_letter_policy={"dead_letter_topic": client.topic_name("nowhere"), "max_delivery_attempts": 5},
    )
    client.publish("gcr", "x")
    assert {push.text for push in endpoint.wait_for(7)} == {"x"}


def test_one_key_is_pushed_in_order_and_blocks_at_its_head(client: Client, endpoint: PushEndpoint) -> None:
    endpoint.answer = lambda push: 500 if push.text == "a0" and len(endpoint.pushes) < 4 else 200
    client.subscription(
        "push",
        "gcr",
        push_config={"push_endpoint": endpoint.url},
        retry_policy=backoff(0.01),
        enable_message_ordering=True,
    )
    for number in range(10):
        client.publish("gcr", f"a{number}", key="a")
    pushes = endpoint.wait_for(13)
    assert [push.text for push in pushes] == ["a0"] * 4 + [f"a{number}" for number in range(1, 10)]
    assert {push.message["orderingKey"] for push in pushes} == {"a"}


def test_an_endpoint_slower_than_the_ack_deadline_gets_the_message_again(
    client: Client, endpoint: PushEndpoint
) -> None:
    released = threading.Event()

    def too_slow_once(_push: Push) -> int:
        if len(endpoint.pushes) == 1:
            released.wait(20)
        return 200

    endpoint.answer = too_slow_once
    client.subscription(
        "push",
        "gcr",
        push_config={"push_endpoint": endpoint.url},
        ack_deadline_seconds=1,
        retry_policy=backoff(0.01),
    )
    client.publish("gcr", "x")
    first, second = endpoint.wait_for(2)
    released.set()
    assert 0.9 < second.at - first.at < 10


def test_an_endpoint_that_is_down_gets_its_messages_when_it_is_back(pubsub: PubSub, client: Client) -> None:
    down = PushEndpoint()
    down.stop()
    client.subscription("push", "gcr", push_config={"push_endpoint": down.url}, retry_policy=backoff(0.01))
    client.publish("gcr", "x")
    back = PushEndpoint()
    try:
        client.subscriber.modify_push_config(
            subscription=client.subscription_name("push"), push_config={"push_endpoint": back.url}
        )
        assert back.wait_for(1)[0].text == "x"
        assert wait_until_settled(pubsub, "push")["delivered"] == 1
    finally:
        back.stop()
