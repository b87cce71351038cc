"""One suite, two servers: what Google's Pub/Sub emulator does, ours does.

Where the emulator is known to differ from the real service (filters are not applied, pushes carry neither delivery
attempt nor token, several failing pushes get stuck), tests/local_cloud holds ours to the service's documentation.
"""

import base64
import itertools
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError, InvalidArgument, NotFound, OutOfRange
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.pubsub.server import PubSub
from tests.conformance.emulator import google_emulator
from tests.local_cloud.pubsub_client import Client, connected
from tests.local_cloud.push_endpoint import PushEndpoint

# The only way to see that nothing waits without waiting for it; the real service still takes it.
pytestmark = pytest.mark.filterwarnings("ignore:The return_immediately flag is deprecated:DeprecationWarning")

_numbers = itertools.count(1)


class Server:
    """A client of one of the servers, and where it takes REST."""

    def __init__(self, client: Client, rest: str) -> None:
        self.client = client
        self.rest = rest


@pytest.fixture(scope="module", params=["ours", "google"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if request.param == "google":
        directory: Path = tmp_path_factory.mktemp("emulator")
        with google_emulator(directory) as port, connected(port) as client:
            yield Server(client, f"http://127.0.0.1:{port}")
        return
    ours = PubSub(b"a key of this test")
    ours.start()
    try:
        with connected(ours.grpc_port) as client:
            yield Server(client, f"http://127.0.0.1:{ours.rest_port}")
    finally:
        ours.stop()


@pytest.fixture
def client(server: Server) -> Client:
    return server.client


@pytest.fixture
def topic(client: Client) -> str:
    """A topic of this test alone, and its subscription of the same name."""
    name = f"topic-{next(_numbers)}"
    client.topic(name)
    client.subscription(name, name)
    return name


@pytest.fixture
def endpoint() -> Iterator[PushEndpoint]:
    endpoint = PushEndpoint()
    yield endpoint
    endpoint.stop()


def quickly() -> dict[str, Duration]:
    """The shortest rest that Google's emulator keeps to."""
    return {"minimum_backoff": Duration(seconds=1), "maximum_backoff": Duration(seconds=1)}


def test_every_subscription_gets_every_message_with_its_attributes(client: Client, topic: str) -> None:
    client.subscription(f"{topic}-second", topic)
    ids = {client.publish(topic, text, attributes={"number": text}) for text in ("1", "2", "3")}
    assert len(ids) == 3
    for name in (topic, f"{topic}-second"):
        received = client.pull(name, 3)
        assert {one.message.message_id for one in received} == ids
        assert {(one.message.data.decode(), one.message.attributes["number"]) for one in received} == {
            ("1", "1"),
            ("2", "2"),
            ("3", "3"),
        }
        assert all(one.message.publish_time for one in received)
        client.ack(name, *received)
        assert client.nothing_waits(name)


def test_a_subscription_gets_nothing_from_before_it(client: Client, topic: str) -> None:
    client.publish(topic, "before")
    client.subscription(f"{topic}-late", topic)
    client.publish(topic, "after")
    (received,) = client.pull(f"{topic}-late", 1)
    assert received.message.data == b"after"


def test_a_message_given_back_comes_again_and_a_late_ack_is_taken(client: Client, topic: str) -> None:
    client.publish(topic, "again")
    (first,) = client.pull(topic, 1)
    client.extend(topic, 0, first)
    (second,) = client.pull(topic, 1)
    assert second.message.message_id == first.message.message_id
    client.ack(topic, second)
    assert client.nothing_waits(topic)


def test_a_leased_message_is_nobody_elses(client: Client, topic: str) -> None:
    client.publish(topic, "mine")
    client.pull(topic, 1)
    assert client.nothing_waits(topic)


def test_a_key_keeps_its_order(client: Client) -> None:
    name = f"ordered-{next(_numbers)}"
    client.topic(name)
    client.subscription(name, name, enable_message_ordering=True)
    for number in range(5):
        client.publish(name, str(number), key="room")
    texts: list[str] = []
    while len(texts) < 5:
        received = client.pull(name, 1)
        texts += [one.message.data.decode() for one in received]
        assert {one.message.ordering_key for one in received} == {"room"}
        client.ack(name, *received)
    assert texts == ["0", "1", "2", "3", "4"]


def test_a_message_failed_too_often_goes_to_the_dead_letters_with_its_story(client: Client, topic: str) -> None:
    client.topic(f"{topic}-dead")
    client.subscription(f"{topic}-dead", f"{topic}-dead")
    dead = client.topic_name(f"{topic}-dead")
    client.subscription(
        f"{topic}-poisoned", topic, dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5}
    )
    client.publish(topic, "poison", attributes={"kind": "test"})
    for attempt in range(1, 6):
        (received,) = client.pull(f"{topic}-poisoned", 1)
        assert received.delivery_attempt == attempt
        client.extend(f"{topic}-poisoned", 0, received)
    assert client.nothing_waits(f"{topic}-poisoned")  # Google's emulator moves the message when it is asked for again
    (letter,) = client.pull(f"{topic}-dead", 1)
    assert letter.message.data == b"poison"
    attributes = dict(letter.message.attributes)
    assert attributes.pop("kind") == "test"
    assert attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert attributes["CloudPubSubDeadLetterSourceSubscription"] == f"{topic}-poisoned"
    assert attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] == PROJECT
    assert client.nothing_waits(f"{topic}-poisoned")


def test_a_push_has_the_form_that_functions_read(client: Client, topic: str, endpoint: PushEndpoint) -> None:
    name = f"{topic}-push"
    client.subscription(name, topic, push_config={"push_endpoint": f"{endpoint.url}/projects/p/topics/t"})
    message_id = client.publish(topic, "hello", attributes={"kind": "test"})
    (push,) = endpoint.wait_for(1)
    assert push.path == "/projects/p/topics/t"
    assert push.headers["content-type"].partition(";")[0] == "application/json"
    assert push.body["subscription"] == client.subscription_name(name)
    assert base64.b64decode(push.message["data"]) == b"hello"
    assert push.message["attributes"] == {"kind": "test"}
    assert push.message["messageId"] == push.message["message_id"] == message_id
    assert push.message["publishTime"] == push.message["publish_time"]


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_push_that_is_not_taken_comes_again(client: Client, topic: str, endpoint: PushEndpoint, status: int) -> None:
    answers = iter([status, 204])
    endpoint.answer = lambda _push: next(answers, 204)
    client.subscription(f"{topic}-push", topic, push_config={"push_endpoint": endpoint.url}, retry_policy=quickly())
    client.publish(topic, "again")
    first, second = endpoint.wait_for(2)
    assert first.message["messageId"] == second.message["messageId"]
    assert second.at - first.at > 0.5


def test_a_push_subscription_becomes_one_for_pull(client: Client, topic: str, endpoint: PushEndpoint) -> None:
    name = f"{topic}-push"
    client.subscription(name, topic, push_config={"push_endpoint": endpoint.url})
    client.subscriber.modify_push_config(subscription=client.subscription_name(name), push_config={})
    client.publish(topic, "pulled")
    (received,) = client.pull(name, 1)
    assert received.message.data == b"pulled"
    assert endpoint.pushes == []


def test_a_subscription_is_updated_by_its_mask(client: Client, topic: str) -> None:
    path = client.subscription_name(topic)
    change = {"name": path, "ack_deadline_seconds": 42}
    request = {"subscription": change, "update_mask": FieldMask(paths=["ack_deadline_seconds"])}
    assert client.subscriber.update_subscription(request=request).ack_deadline_seconds == 42
    assert client.subscriber.get_subscription(subscription=path).ack_deadline_seconds == 42


def test_what_there_is_is_listed(client: Client, topic: str) -> None:
    project = f"projects/{PROJECT}"
    assert client.topic_name(topic) in {row.name for row in client.publisher.list_topics(project=project)}
    assert client.subscription_name(topic) in {
        row.name for row in client.subscriber.list_subscriptions(project=project)
    }
    assert list(client.publisher.list_topic_subscriptions(topic=client.topic_name(topic))) == [
        client.subscription_name(topic)
    ]


def test_a_deleted_topic_leaves_its_subscription_behind(client: Client, topic: str) -> None:
    client.publisher.delete_topic(topic=client.topic_name(topic))
    assert client.subscriber.get_subscription(subscription=client.subscription_name(topic)).topic == "_deleted-topic_"


_WRONG: list[tuple[str, Callable[[Client, str], Any], type[GoogleAPICallError]]] = [
    ("the topic exists", lambda client, topic: client.topic(topic), AlreadyExists),
    ("the subscription exists", lambda client, topic: client.subscription(topic, topic), AlreadyExists),
    ("no such topic", lambda client, _: client.subscription("no-topic", "not-there"), NotFound),
    ("no such topic to publish to", lambda client, _: client.publish("not-there", "x"), NotFound),
    ("no such subscription", lambda client, _: client.pull_once("not-there"), NotFound),
    ("a name too short", lambda client, _: client.topic("ab"), InvalidArgument),
    ("a name of theirs", lambda client, _: client.topic("goog-mine"), InvalidArgument),
    ("an empty message", lambda client, topic: client.publish(topic, ""), InvalidArgument),
    (
        "a deadline too long",
        lambda client, topic: client.subscription(f"{topic}-slow", topic, ack_deadline_seconds=601),
        InvalidArgument,
    ),
    (
        "too few attempts",
        lambda client, topic: client.subscription(
            f"{topic}-hasty",
            topic,
            dead_letter_policy={"dead_letter_topic": client.topic_name(topic), "max_delivery_attempts": 4},
        ),
        OutOfRange,
    ),
]


@pytest.mark.parametrize(("what", "call", "error"), _WRONG, ids=[what for what, *_ in _WRONG])
def test_what_is_wrong_is_refused_with_the_same_status(
    client: Client, topic: str, what: str, call: Callable[[Client, str], Any], error: type[GoogleAPICallError]
) -> None:
    with pytest.raises(error):
        call(client, topic)


def test_rest_takes_and_gives_the_same(server: Server, client: Client, topic: str) -> None:
    body = {"messages": [{"data": base64.b64encode(b"over rest").decode(), "attributes": {"kind": "test"}}]}
    published = post(f"{server.rest}/v1/{client.topic_name(topic)}:publish", body)
    pulled = post(f"{server.rest}/v1/{client.subscription_name(topic)}:pull", {"maxMessages": 1})
    (received,) = pulled["receivedMessages"]
    assert received["message"]["messageId"] == published["messageIds"][0]
    assert base64.b64decode(received["message"]["data"]) == b"over rest"
    assert received["message"]["attributes"] == {"kind": "test"}
    post(f"{server.rest}/v1/{client.subscription_name(topic)}:acknowledge", {"ackIds": [received["ackId"]]})
    assert client.nothing_waits(topic)


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)
