"""A Pub/Sub that is killed and started again: what it promised before holds after."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.api_core.exceptions import NotFound
from google.pubsub_v1 import Subscription, Topic

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.gapic.wire import Fail
from scripts.local_cloud.processes.conversation import ConversationEnded
from scripts.local_cloud.processes.ports import RANGE
from scripts.local_cloud.pubsub.backlog import StoredMessage
from scripts.local_cloud.pubsub.journal import Journal, Remains, entries, remains
from scripts.local_cloud.pubsub.process import PubSubProcess
from tests.local_cloud.pubsub_client import PATIENCE_SECONDS, Client
from tests.local_cloud.push_endpoint import Push, PushEndpoint

TOPIC, PULL = f"projects/{PROJECT}/topics/gcr", f"projects/{PROJECT}/subscriptions/pull"


@pytest.fixture
def pubsub(tmp_path: Path) -> Iterator[PubSubProcess]:
    server = PubSubProcess(tmp_path, b"key")
    server.start()
    yield server
    server.stop()


def killed_and_started(pubsub: PubSubProcess) -> None:
    pubsub.kill()
    pubsub.start()


def test_what_was_not_acked_comes_again_in_its_order_and_what_was_does_not(
    pubsub: PubSubProcess, client: Client
) -> None:
    client.subscription("pull", "gcr", enable_message_ordering=True)
    sent = [client.publish("gcr", text, key="web", attributes={"kind": "tick"}) for text in ("a", "b", "c", "d")]
    (first,) = client.pull("pull", 1)
    client.ack("pull", first)
    (second,) = client.pull("pull", 1)  # out when the server dies
    ports = pubsub.grpc_port, pubsub.rest_port
    killed_and_started(pubsub)
    assert (pubsub.grpc_port, pubsub.rest_port) == ports
    again = []
    for _ in "bcd":
        (received,) = client.pull("pull", 1)
        again.append(received.message)
        client.ack("pull", received)
    assert second.message.message_id == again[0].message_id
    assert [one.message_id for one in again] == sent[1:]
    assert (again[0].data, again[0].ordering_key, dict(again[0].attributes)) == (b"b", "web", {"kind": "tick"})
    assert again[0].publish_time == second.message.publish_time
    assert [row["backlog"] for row in pubsub.snapshot()["subscriptions"]] == [0]


def test_ids_go_on_and_so_do_counts(pubsub: PubSubProcess, client: Client) -> None:
    before = int(client.publish("gcr", "x"))
    killed_and_started(pubsub)
    assert int(client.publish("gcr", "y")) > before
    assert pubsub.snapshot()["topics"] == [{"name": TOPIC, "published": 2}]


def test_a_subscription_keeps_its_rules(pubsub: PubSubProcess, client: Client) -> None:
    client.subscription("pull", "gcr", filter='attributes.kind = "tick"', ack_deadline_seconds=17)
    killed_and_started(pubsub)
    client.publish("gcr", "no", attributes={"kind": "tock"})
    client.publish("gcr", "yes", attributes={"kind": "tick"})
    (received,) = client.pull("pull", 1)
    assert received.message.data == b"yes"
    assert client.subscriber.get_subscription(subscription=PULL).ack_deadline_seconds == 17


def test_what_was_deleted_stays_deleted(pubsub: PubSubProcess, client: Client) -> None:
    client.subscription("pull", "gcr")
    client.subscription("kept", "gcr")
    client.subscriber.delete_subscription(subscription=PULL)
    client.publisher.delete_topic(topic=TOPIC)
    killed_and_started(pubsub)
    with pytest.raises(NotFound):
        client.subscriber.get_subscription(subscription=PULL)
    assert [row["topic"] for row in pubsub.snapshot()["subscriptions"]] == ["_deleted-topic_"]
    with pytest.raises(Fail, match="not found"):
        pubsub.publish("gcr", b"x", {})


def test_a_push_that_broke_off_is_made_again(pubsub: PubSubProcess, client: Client) -> None:
    released = threading.Event()

    def answer(_push: Push) -> int:
        released.wait(PATIENCE_SECONDS)
        return 204

    endpoint = PushEndpoint(answer)
    try:
        client.subscription("push", "gcr", push_config={"push_endpoint": endpoint.url})
        sent = client.publish("gcr", "x")
        endpoint.wait_for(1)
        pubsub.kill()
        released.set()
        pubsub.start()
        pushes = endpoint.wait_for(2)
    finally:
        released.set()
        endpoint.stop()
    assert [push.message["messageId"] for push in pushes] == [sent, sent]


def test_a_publisher_waits_while_it_is_down(pubsub: PubSubProcess, client: Client) -> None:
    client.subscription("pull", "gcr")
    pubsub.kill()
    ids: list[str] = []
    publishing = threading.Thread(target=lambda: ids.append(pubsub.publish("gcr", b"x", {})))
    publishing.start()
    pubsub.start()
    publishing.join(PATIENCE_SECONDS)
    (received,) = client.pull("pull", 1)
    assert [received.message.message_id] == ids


def test_whoever_asks_after_its_end_is_told(tmp_path: Path) -> None:
    server = PubSubProcess(tmp_path, b"key")
    server.start()
    server.stop()
    with pytest.raises(ConversationEnded, match="does not run"):
        server.snapshot()


def message(id_: str) -> StoredMessage:
    return StoredMessage(id=id_, published_at=datetime.now(UTC), data=b"\xff", attributes={}, ordering_key="")


def test_an_entry_that_was_never_finished_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.topic(Topic.pb()(name=TOPIC))
    journal.subscription(Subscription.pb()(name=PULL, topic=TOPIC))
    one = message("1")
    journal.published(TOPIC, [one])
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"published":"' + TOPIC.encode())
    assert len(list(entries(path))) == 3
    journal = Journal(path)
    two = message("2")
    journal.published(TOPIC, [two])
    journal.done(PULL, ["1"])
    journal.close()
    assert remains(path).owed == {PULL: {"2": two}}
    assert remains(path).published == {TOPIC: 2}


def test_a_subscription_owes_nothing_from_before_it_was_there(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.topic(Topic.pb()(name=TOPIC))
    journal.published(TOPIC, [message("1")])
    journal.subscription(Subscription.pb()(name=PULL, topic=TOPIC))
    journal.close()
    assert remains(path).owed == {PULL: {}}


def test_what_is_no_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="no entry"):
        Remains().follow({"something": "else"})
    assert remains(Path("nowhere")) == Remains()


def test_while_it_is_down_nobody_who_merely_connects_is_given_its_ports(pubsub: PubSubProcess) -> None:
    """Of the ports a system hands out, one was taken meanwhile now and then, and the server never came back."""
    assert pubsub.grpc_port in RANGE
    assert pubsub.rest_port in RANGE
