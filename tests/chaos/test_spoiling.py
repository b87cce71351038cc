"""The faults of a chaos run: each befalls a call that would have been done."""

import grpc
import pytest

from scripts.local_cloud.gapic.wire import Call, Fail
from tests.chaos.spoiling import CLEAN_CALLS, Fault, Spoiler

UPDATE = "update_service"


def refused() -> None:
    raise Fail(grpc.StatusCode.ABORTED, "Conflict for resource 'web'.")


def call(dead: list[str]) -> Call:
    return Call(method=UPDATE, request=None, peer_port=1, hung_up=lambda seconds: seconds > 0 and bool(dead))


def test_a_death_after_a_call_befalls_the_next_one_when_that_call_was_refused() -> None:
    dead: list[str] = []
    spoiler = Spoiler(1, [("traffic_shift", UPDATE)], dead.append, spoiled={})
    spoiler.begin()
    with pytest.raises(Fail):
        spoiler.spoil("traffic_shift", call(dead), lambda: "done")
    spoiler.revived("traffic_shift")
    with pytest.raises(Fail, match="Conflict"):
        spoiler.spoil("traffic_shift", call(dead), refused)
    assert spoiler.left == {f"traffic_shift: {UPDATE}": [Fault.KILLED_AFTER]}
    with pytest.raises(Fail, match="unavailable"):
        spoiler.spoil("traffic_shift", call(dead), lambda: "done")
    assert (dead, spoiler.left) == (["traffic_shift"] * 2, {})


def test_an_answer_is_lost_only_where_there_was_one() -> None:
    dead: list[str] = []
    spoiler = Spoiler(1, [], dead.append, spoiled={UPDATE: (Fault.LOST,)})
    spoiler.begin()
    for _ in range(CLEAN_CALLS[1]):
        with pytest.raises(Fail, match="Conflict"):
            spoiler.spoil("traffic_shift", call(dead), refused)
    assert spoiler.left == {UPDATE: [Fault.LOST]}
    for _ in range(CLEAN_CALLS[1] + 1):
        if spoiler.left:
            try:
                assert spoiler.spoil("traffic_shift", call(dead), lambda: "done") == "done"
            except Fail as lost:
                assert "unavailable" in str(lost)  # noqa: PT017  # when it comes is drawn
    assert (spoiler.left, spoiler.done) == ({}, {(UPDATE, Fault.LOST): 1})
