from datetime import UTC, datetime, timedelta

import pytest

from scripts.local_cloud.pubsub.backlog import Backlog, Backoff, Delivery, StoredMessage

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def message(name: str, key: str = "", age: int = 0) -> StoredMessage:
    return StoredMessage(
        id=name, published_at=START + timedelta(seconds=age), data=b"x", attributes={}, ordering_key=key
    )


def names(deliveries: list[Delivery]) -> list[str]:
    return [delivery.message.id for delivery in deliveries]


def test_messages_are_handed_out_in_the_order_they_came_and_once() -> None:
    backlog = Backlog()
    for name in ("a", "b", "c"):
        backlog.add(message(name), now=0)
    assert names(backlog.lease(2, 10, now=0)) == ["a", "b"]
    assert names(backlog.lease(2, 10, now=0)) == ["c"]
    assert backlog.lease(2, 10, now=0) == []
    assert len(backlog) == 3


def test_an_expired_lease_gives_the_message_to_the_next_and_its_late_ack_changes_nothing() -> None:
    backlog = Backlog()
    backlog.add(message("a"), now=0)
    (first,) = backlog.lease(1, 10, now=0)
    assert backlog.next_event() == 10
    backlog.expire(now=9.9)
    assert backlog.lease(1, 10, now=9.9) == []
    backlog.expire(now=10)
    (second,) = backlog.lease(1, 10, now=10)
    assert (first.attempt, second.attempt) == (1, 2)
    backlog.ack([first.ack_id, "unknown"], now=11)
    assert len(backlog) == 1
    backlog.ack([second.ack_id], now=11)
    assert (len(backlog), backlog.delivered, backlog.failed) == (0, 1, 1)


def test_an_extended_lease_holds_for_longer() -> None:
    backlog = Backlog()
    backlog.add(message("a"), now=0)
    (delivery,) = backlog.lease(1, 10, now=0)
    backlog.extend([delivery.ack_id], 60, now=5)
    backlog.expire(now=64)
    assert backlog.deadline(delivery.ack_id) == 65
    backlog.expire(now=65)
    assert backlog.deadline(delivery.ack_id) is None


def test_each_failure_rests_twice_as_long_until_the_longest() -> None:
    backlog = Backlog(backoff=Backoff(seconds_min=1, seconds_max=5))
    backlog.add(message("a"), now=0)
    now, rests = 0.0, []
    for _ in range(5):
        (delivery,) = backlog.lease(1, 10, now=now)
        backlog.nack([delivery.ack_id], "no", now=now)
        rests.append(backlog.next_event() - now)
        now = backlog.next_event()
    assert rests == [1, 2, 4, 5, 5]


def test_a_rest_far_beyond_any_count_of_failures_is_the_longest() -> None:
    assert Backoff(seconds_min=0.1, seconds_max=60).rest(100_000) == 60


@pytest.mark.parametrize("fails_by", ["nack", "expiry"])
def test_the_last_failure_hands_the_message_over_and_it_stays_until_it_is_forgotten(fails_by: str) -> None:
    backlog = Backlog(attempts_max=2)
    backlog.add(message("a"), now=0)
    for attempt in (1, 2):
        (delivery,) = backlog.lease(1, 10, now=0)
        if fails_by == "nack":
            exhausted = backlog.nack([delivery.ack_id], "HTTP 500", now=0)
        else:
            backlog.extend([delivery.ack_id], 0, now=0)
            exhausted = backlog.expire(now=0)
        assert len(exhausted) == attempt - 1
    assert exhausted[0].attempts == 2
    assert (len(backlog), backlog.dead_lettered) == (1, 0)
    backlog.forget(exhausted[0], now=0)
    assert (len(backlog), backlog.dead_lettered, backlog.failed) == (0, 1, 2)


def test_a_message_the_dead_letters_refuse_is_tried_again() -> None:
    backlog = Backlog(attempts_max=1)
    backlog.add(message("a"), now=0)
    (delivery,) = backlog.lease(1, 10, now=0)
    (exhausted,) = backlog.nack([delivery.ack_id], "no", now=0)
    backlog.retry(exhausted, now=0)
    assert names(backlog.lease(1, 10, now=0)) == ["a"]


def test_only_the_head_of_each_key_may_go() -> None:
    backlog = Backlog(ordered=True)
    for name, key in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("free", "")):
        backlog.add(message(name, key), now=0)
    first = backlog.lease(10, 10, now=0)
    assert names(first) == ["a1", "b1", "free"]
    backlog.nack([first[0].ack_id], "no", now=0)
    again = backlog.lease(10, 10, now=0)
    assert names(again) == ["a1"]
    backlog.ack([again[0].ack_id], now=0)
    assert names(backlog.lease(10, 10, now=0)) == ["a2"]


def test_a_head_that_went_to_the_dead_letters_unblocks_its_key() -> None:
    backlog = Backlog(ordered=True, attempts_max=1)
    backlog.add(message("a1", "a"), now=0)
    backlog.add(message("a2", "a"), now=0)
    (delivery,) = backlog.lease(10, 10, now=0)
    (exhausted,) = backlog.nack([delivery.ack_id], "no", now=0)
    assert backlog.lease(10, 10, now=0) == []
    backlog.forget(exhausted, now=0)
    assert names(backlog.lease(10, 10, now=0)) == ["a2"]


def test_the_oldest_is_the_first_that_is_still_owed() -> None:
    backlog = Backlog()
    assert backlog.oldest is None
    backlog.add(message("a", age=0), now=0)
    backlog.add(message("b", age=5), now=0)
    deliveries = backlog.lease(2, 10, now=0)
    assert backlog.oldest == START
    backlog.ack([deliveries[0].ack_id], now=0)
    assert backlog.oldest == START + timedelta(seconds=5)
