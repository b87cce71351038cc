"""Everybody lifts their own freeze, nobody another's by accident, and no late delivery undoes a newer wish."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rollout.freezes import EVERYBODY, LIFTED_MAX, SOMEBODY, Freezes, Wish, decode, encode


def at(minute: int) -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=minute)


def after(*wishes: tuple[str, str, int], start: Freezes | None = None) -> Freezes:
    """What stands when all have been heard in this order; stale ones change nothing."""
    freezes = start or Freezes()
    for holder, reason, minute in wishes:
        freezes = freezes.with_wish(holder, reason, at(minute)) or freezes
    return freezes


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        ((), ""),
        ((("amina", "stop", 1),), "stop"),
        ((("amina", "stop", 1), ("amina", "", 2)), ""),
        ((("window", "weekend", 1), ("amina", "stop", 2)), "weekend; stop"),
        ((("window", "weekend", 1), ("amina", "stop", 2), ("window", "", 3)), "stop"),
        ((("amina", "stop", 1), ("kofi", "", 2)), "stop"),
        ((("amina", "", 2), ("amina", "stop", 1)), ""),
        ((("amina", "stop", 1), ("amina", "stop", 1)), "stop"),
        ((("amina", "stop", 1), ("kofi", "match", 2), (EVERYBODY, "", 3)), ""),
        (((EVERYBODY, "", 3), ("amina", "stop", 1)), ""),
        (((EVERYBODY, "", 3), ("amina", "stop", 4)), "stop"),
        ((("amina", "stop", 4), (EVERYBODY, "", 3)), "stop"),
        (((EVERYBODY, "", 3), (EVERYBODY, "", 2), ("amina", "stop", 2)), ""),
    ],
)
def test_who_holds_it(wishes: tuple[tuple[str, str, int], ...], reason: str) -> None:
    assert after(*wishes).reason == reason


def test_a_stale_wish_is_told_from_a_repeated_one() -> None:
    frozen = after(("amina", "stop", 2))
    assert frozen.with_wish("amina", "", at(1)) is None
    assert frozen.with_wish("amina", "stop", at(2)) == frozen


def test_what_was_lifted_long_ago_is_forgotten_and_stays_lifted() -> None:
    many = [(f"person {number}", "", number) for number in range(1, LIFTED_MAX + 6)]
    freezes = after(("amina", "stop", 0), *many)
    assert len(freezes.wishes) == LIFTED_MAX + 1
    assert freezes.reason == "stop"
    assert freezes.with_wish("person 1", "late", at(1)) is None
    assert after(("amina", "", 500), start=freezes).reason == ""


@given(
    wishes=st.lists(
        st.tuples(st.sampled_from(["amina", "kofi", "window"]), st.sampled_from(["", "stop"]), st.integers(0, 9)),
        unique_by=lambda wish: (wish[0], wish[2]),
    ),
    everybody=st.none() | st.integers(0, 9),
    data=st.data(),
)
def test_the_order_of_arrival_does_not_matter(
    wishes: list[tuple[str, str, int]], everybody: int | None, data: st.DataObject
) -> None:
    asked = [wish for wish in wishes if wish[2] != everybody]
    if everybody is not None:
        asked.append((EVERYBODY, "", everybody))
    first, second = (after(*data.draw(st.permutations(asked))) for _ in range(2))
    held = [{name: wish.reason for name, wish in freezes.wishes.items() if wish.reason} for freezes in (first, second)]
    assert held[0] == held[1]


def test_it_survives_being_written_down() -> None:
    freezes = after(("amina", "stop", 1), ("kofi", "", 2), (EVERYBODY, "", 0))
    assert decode(encode(freezes)) == freezes
    assert decode(encode(Freezes())) == Freezes()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, ""),
        (b"", ""),
        ('{"reason": ""}', ""),
        ('{"reason": "the big match", "at": "2026-01-01T00:00:00+00:00"}', "the big match"),
        ('{"holders": {"a": {"reason": "r", "at": "2026-01-01T00:00:00"}}, "nothing_before": "2026-01-01"}', "r"),
    ],
)
def test_what_a_hand_or_an_older_version_wrote_is_read(text: str | bytes | None, reason: str) -> None:
    assert decode(text).reason == reason


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"holders": 1}', '{"holders": {"a": {}}}', '{"holders": {}}', "[" * 99_999]
)
def test_what_cannot_be_read_freezes_until_everybodys_is_lifted(text: str) -> None:
    freezes = decode(text)
    assert freezes.reason.startswith("the freeze cannot be read: ")
    assert list(freezes.wishes) == [SOMEBODY]
    assert after((EVERYBODY, "", 1), start=freezes).reason == ""


def test_a_hand_written_freeze_does_not_outrank_what_is_asked_now() -> None:
    assert after((SOMEBODY, "", 0), start=Freezes(wishes={SOMEBODY: Wish("r", at(-1))})).reason == ""


def test_it_is_written_for_people_and_for_a_version_that_knew_one_freeze() -> None:
    text = encode(after(("amina", "stop", 1), ("kofi", "", 2), (EVERYBODY, "", 0)))
    assert json.loads(text) == {
        "reason": "stop",
        "at": "2026-11-23T00:02:00+00:00",
        "holders": {
            "amina": {"reason": "stop", "at": "2026-11-23T00:01:00+00:00"},
            "kofi": {"reason": "", "at": "2026-11-23T00:02:00+00:00"},
        },
        "nothing_before": "2026-11-23T00:00:00+00:00",
    }


def test_a_freeze_without_a_holder_is_somebodys_of_long_ago() -> None:
    long_ago = datetime.min.replace(tzinfo=UTC)
    assert decode('{"reason": "match"}') == Freezes(wishes={SOMEBODY: Wish("match", long_ago)})
    assert decode('{"at": "2026-01-01T00:00:00+00:00"}') == Freezes()
    assert decode('{"reason": ""}') == Freezes()


def test_a_time_without_its_zone_is_utc_and_one_with_its_zone_is_that_time() -> None:
    text = '{"holders": {"a": {"reason": "r", "at": "%s"}}, "nothing_before": "2026-01-01"}'
    assert decode(text % "2026-01-01T00:00:00").wishes["a"].at == datetime(2026, 1, 1, tzinfo=UTC)
    assert decode(text % "2026-01-01T02:00:00+02:00").wishes["a"].at == datetime(2026, 1, 1, tzinfo=UTC)


def test_what_cannot_be_read_is_said() -> None:
    assert decode('{"holders": {}}').reason == "the freeze cannot be read: KeyError: 'nothing_before'"


def test_everybodys_lifting_ends_what_was_asked_in_the_same_moment() -> None:
    assert after(("amina", "stop", 3), (EVERYBODY, "", 3)) == Freezes(nothing_before=at(3))


def test_a_hundred_liftings_are_remembered() -> None:
    many = [(f"person {number}", "", number) for number in range(1, LIFTED_MAX + 1)]
    assert after(*many).nothing_before == Freezes().nothing_before
    more = after(*many, ("another", "", LIFTED_MAX + 1))
    assert more.nothing_before == at(2)
    assert len(more.wishes) == LIFTED_MAX
