"""Pushes over real HTTP, published and configured through Google's own client."""

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import FailedPrecondition

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.pubsub.server import PubSub
from shared.errors import Unauthenticated
from shared.runtime.caller import Caller
from tests.local_cloud.pubsub_client import Client, connected
from tests.local_cloud.push_endpoint import PushEndpoint
from tests.local_cloud.pushing import wait_until_settled

KEY = b"a key of this test"
EMAIL = "push@pushnchat-local.iam.gserviceaccount.com"


@pytest.fixture
def pubsub() -> Iterator[PubSub]:
    server = PubSub(KEY)
    server.start()
    yield server
    server.stop()


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
