"""Every envelope gives the same message, and a broken one names its field."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidEvent
from shared.runtime import envelope
from tests.events.payloads import payload

PATH = "/projects/p/topics/gcr?"
SOURCE = "//pubsub.googleapis.com/projects/p/topics/alerts"


def read(body: Any, headers: dict[str, str] | None = None, path: str = PATH) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return envelope.read(headers or {}, raw, path)


def test_a_raw_push_keeps_attempt_subscription_attributes_and_data() -> None:
    message = read(payload("push_wrapped"))
    assert message.data == b"Hello Cloud Pub/Sub! Here is my message!"
    assert (message.topic, message.subscription, message.delivery_attempt) == ("gcr", "mysubscription", 5)
    assert (message.id, message.attributes) == ("2070443601311540", {"key": "value"})
    assert message.published_at == datetime(2021, 2, 26, 19, 13, 55, 749000, UTC)


def test_a_binary_cloud_event_names_its_topic_in_its_source() -> None:
    assert read(payload("push_wrapped"), {"ce-source": SOURCE}, "/").topic == "alerts"


def test_a_structured_cloud_event_carries_the_same() -> None:
    body = {"specversion": "1.0", "id": "1", "type": "t", "source": SOURCE, "data": payload("push_wrapped")}
    assert read(body, path="/").topic == "alerts"


def test_eventarcs_own_endpoint_names_the_topic_in_its_query() -> None:
    path = "/?__GCP_CloudEventsMode=CUSTOM_PUBSUB_projects%2Fp%2Ftopics%2Fverdicts"
    assert read(payload("push_wrapped"), path=path).topic == "verdicts"


def test_a_message_of_attributes_alone_is_read() -> None:
    body = payload("push_wrapped")
    del body["message"]["data"]
    assert read(body).data == b""


ORIGINAL_TIMES = ["original_publish_time", "CloudPubSubDeadLetterSourceTopicPublishTime"]


@pytest.mark.parametrize("name", ORIGINAL_TIMES)
def test_a_replayed_dead_letter_keeps_its_first_time(name: str) -> None:
    body = payload("push_wrapped")
    body["message"]["attributes"] = {name: "2020-08-24T10:35:14.812+00:00"}
    assert read(body).published_at == datetime(2020, 8, 24, 10, 35, 14, 812000, UTC)


@pytest.mark.parametrize("name", ORIGINAL_TIMES)
def test_no_publisher_can_date_a_message_into_the_future(name: str) -> None:
    body = payload("push_wrapped")
    body["message"]["attributes"] = {name: "2999-01-01T00:00:00Z"}
    assert read(body).published_at == datetime(2021, 2, 26, 19, 13, 55, 749000, UTC)


def test_the_oldest_of_several_times_counts() -> None:
    body = payload("push_wrapped")
    body["message"]["attributes"] = dict(
        zip(ORIGINAL_TIMES, ["2020-01-01T00:00:00Z", "2020-06-01T00:00:00Z"], strict=True)
    )
    assert read(body).published_at == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_message_wrapped_again_reads_as_the_same() -> None:
    body = payload("push_wrapped")
    body["message"] |= {"orderingKey": "web"}
    del body["deliveryAttempt"]
    message = read(body)
    assert envelope.read({}, envelope.wrap(message), PATH) == message


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        ({}, "message"),
        ({"message": {}}, "message.messageId"),
        ({"message": {"messageId": "1"}}, "message.publishTime"),
        ({"message": {"messageId": "1", "publishTime": "x"}}, "message.publishTime"),
        ({"message": {"messageId": "1", "publishTime": "2026-01-01T00:00:00Z", "data": "%"}}, "message.data"),
        ({"message": {"messageId": "1", "publishTime": "2026-01-01T00:00:00Z", "data": "é"}}, "message.data"),
        ({"message": {"messageId": "1", "attributes": {"a": 1}}}, "message.attributes.a"),
        (
            {
                "message": {
                    "messageId": "1",
                    "publishTime": "2026-01-01T00:00:00Z",
                    "attributes": {"original_publish_time": "tomorrow"},
                }
            },
            "message.attributes.original_publish_time",
        ),
        ({"message": {"messageId": "1", "attributes": []}}, "message.attributes"),
    ],
)
def test_a_broken_envelope_names_its_field(body: Any, field: str) -> None:
    with pytest.raises(InvalidEvent) as error:
        read(body)
    assert error.value.field == field


def test_a_push_to_nowhere_and_one_too_big_are_refused() -> None:
    with pytest.raises(InvalidEvent, match="topic"):
        read(payload("push_wrapped"), path="/")
    with pytest.raises(InvalidEvent, match="body"):
        read(b" " * (envelope.SIZE_MAX + 1))


@given(data=st.binary(max_size=100), attributes=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_any_data_survives(data: bytes, attributes: dict[str, str]) -> None:
    wrapped = {
        "messageId": "1",
        "publishTime": "2026-01-01T00:00:00Z",
        "data": base64.b64encode(data).decode(),
        "attributes": attributes,
    }
    assert read({"message": wrapped, "subscription": "projects/p/subscriptions/s"}).data == data
