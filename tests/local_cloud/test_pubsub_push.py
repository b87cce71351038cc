"""Pushes over real HTTP, published and configured through Google's own client."""

import base64
import hashlib
import hmac
import itertools
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import FailedPrecondition
from google.protobuf.duration_pb2 import Duration

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.pubsub.server import PubSub
from shared.errors import Unauthenticated
from shared.runtime.caller import Caller
from tests.local_cloud.pubsub_client import Client, connected
from tests.local_cloud.push_endpoint import Push, PushEndpoint

KEY = b"a key of this test"
EMAIL = "push@pushnchat-local.iam.gserviceaccount.com"


def backoff(seconds: float) -> dict[str, Duration]:
    rest = Duration(nanos=int(seconds * 1e9))
    return {"minimum_backoff": rest, "maximum_backoff": rest}


@pytest.fixture
def pubsub() -> Iterator[PubSub]:
    server = PubSub(KEY, ack_deadline_seconds_min=1)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(pubsub: PubSub) -> Iterator[Client]:
    with connected(pubsub.grpc_port) as client:
        client.topic("gcr")
        yield client


@pytest.fixture
def endpoint() -> Iterator[PushEndpoint]:
    endpoint = PushEndpoint()
    yield endpoint
    endpoint.stop()


def wait_until_settled(pubsub: PubSub, name: str) -> dict[str, Any]:
    """The subscription's report once nothing is owed any more."""
    deadline = threading.Event()
    timer = threading.Timer(20, deadline.set)
    timer.start()
    try:
        while not deadline.wait(0.005):
            (report,) = (one for one in pubsub.snapshot()["subscriptions"] if one["name"].endswith(f"/{name}"))
            if report["backlog"] == 0:
                return dict(report)
    finally:
        timer.cancel()
        timer.join()
    raise AssertionError(f"{name} still owes {report['backlog']}")


def test_a_push_looks_like_one_of_the_real_service(client: Client, endpoint: PushEndpoint) -> None:
    client.subscription("push", "gcr", push_config={"push_endpoint": f"{endpoint.url}/projects/p/topics/gcr?a=b"})
    message_id = client.publish("gcr", "hello", attributes={"kind": "canary"})
    (push,) = endpoint.wait_for(1)
    published = push.message["publishTime"]
    assert push.body == {
        "message": {
            "data": base64.b64encode(b"hello").decode(),
            "attributes": {"kind": "canary"},
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": published,
            "publish_time": published,
        },
        "subscription": f"projects/{PROJECT}/subscriptions/push",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z", published)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(published)) < timedelta(seconds=20)
    assert message_id.isdecimal()
    assert push.path == "/projects/p/topics/gcr?a=b"
    assert push.headers["content-type"] == "application/json"
    assert push.headers["user-agent"].startswith("APIs-Google")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", push.headers["traceparent"])
    assert "authorization" not in push.headers


def test_what_is_empty_is_left_out(client: Client, endpoint: PushEndpoint) -> None:
    client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url})
    client.publish("gcr", attributes={"kind": "tick"})
    client.publish("gcr", "no attributes")
    by_data = {"data" in push.message: set(push.message) for push in endpoint.wait_for(2)}
    always = {"messageId", "message_id", "publishTime", "publish_time"}
    assert by_data == {False: always | {"attributes"}, True: always | {"data"}}


@pytest.mark.parametrize("audience", ["", "https://function.example"])
def test_a_push_with_oidc_proves_who_sent_it(client: Client, endpoint: PushEndpoint, audience: str) -> None:
    token = {"service_account_email": EMAIL, "audience": audience}
    client.subscription("push", "gcr", push_config={"push_endpoint": f"{endpoint.url}/door", "oidc_token": token})
    client.publish("gcr", "x")
    (push,) = endpoint.wait_for(1)
    scheme, _, jwt = push.headers["authorization"].partition(" ")
    head, claims, signature = jwt.split(".")
    expected = hmac.new(KEY, f"{head}.{claims}".encode(), hashlib.sha256).digest()
    assert scheme == "Bearer"
    assert base64.urlsafe_b64decode(signature + "==") == expected
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert said["iss"] == "https://accounts.google.com"
    assert said["aud"] == (audience or f"{endpoint.url}/door")
    assert (said["email"], said["email_verified"]) == (EMAIL, True)
    assert said["azp"] == said["sub"]
    assert re.fullmatch(r"\d{21}", said["sub"])
    assert said["exp"] - said["iat"] == 3600


def test_our_own_door_takes_the_token_and_no_other(client: Client, endpoint: PushEndpoint) -> None:
    token = {"service_account_email": EMAIL, "audience": endpoint.url}
    client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url, "oidc_token": token})
    client.publish("gcr", "x")
    (push,) = endpoint.wait_for(1)
    now, door = datetime.now(UTC), Caller(audience=endpoint.url, emails=frozenset({EMAIL}), key=KEY)
    door.check(push.headers["authorization"], now)
    with pytest.raises(Unauthenticated):
        Caller(audience=endpoint.url, emails=frozenset({EMAIL}), key=b"another").check(
            push.headers["authorization"], now
        )


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


def test_many_messages_are_pushed_at_once(client: Client, endpoint: PushEndpoint) -> None:
    together = threading.Barrier(16)
    endpoint.answer = lambda _push: 200 if together.wait(20) >= 0 else 500
    client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url})
    for number in range(16):
        client.publish("gcr", str(number))
    assert {push.text for push in endpoint.wait_for(16)} == {str(number) for number in range(16)}


def test_one_connection_serves_one_message_after_the_other(
    pubsub: PubSub, client: Client, endpoint: PushEndpoint
) -> None:
    endpoint.answer = lambda _push: 200
    client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url})
    for number in range(5):
        client.publish("gcr", str(number))
        endpoint.wait_for(number + 1)
        wait_until_settled(pubsub, "push")
    assert len({push.connection for push in endpoint.pushes}) == 1


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


def test_a_filtered_subscription_gets_only_what_it_keeps(client: Client, endpoint: PushEndpoint) -> None:
    kept = 'attributes.verdict = "unhealthy"'
    client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url}, filter=kept)
    for verdict in ("healthy", "unhealthy", "inconclusive", "unhealthy"):
        client.publish("gcr", verdict, attributes={"verdict": verdict})
    client.publish("gcr", "last", attributes={"verdict": "unhealthy", "last": "yes"})
    assert sorted(push.text for push in endpoint.wait_for(3)) == ["last", "unhealthy", "unhealthy"]
    assert len(endpoint.pushes) == 3


def test_a_push_subscription_cannot_be_pulled_until_it_is_one_for_pull(client: Client, endpoint: PushEndpoint) -> None:
    name = client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url})
    with pytest.raises(FailedPrecondition):
        client.pull_once("push")
    client.subscriber.modify_push_config(subscription=name, push_config={})
    client.publish("gcr", "x")
    assert client.pull("push", 1)[0].message.data == b"x"
    assert endpoint.pushes == []


def test_stopping_ends_a_push_in_flight_and_every_thread() -> None:
    before = set(threading.enumerate())
    server, released = PubSub(KEY), threading.Event()
    endpoint = PushEndpoint(lambda _push: 200 if released.wait(20) else 500)
    server.start()
    try:
        with connected(server.grpc_port) as client:
            client.topic("gcr")
            client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url})
            server.publish("gcr", b"x", {})
            endpoint.wait_for(1)
        server.stop()
    finally:
        released.set()
        endpoint.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert [thread.name for thread in set(threading.enumerate()) - before] == []
