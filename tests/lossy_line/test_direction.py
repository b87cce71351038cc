"""When a packet comes out of a line: its speed, its distance, its queue and its losses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lossy_line.direction import QUEUE_BYTES, Direction
from shared.connectivity.lines import LINES, Line

SLOW = Line("slow", 400, 64_000, 0.0)  # eight bytes in a millisecond


def never() -> float:
    return 0.999


def test_a_packet_takes_its_bits_and_half_a_round_trip() -> None:
    assert Direction(SLOW, never).arrival(5.0, 1_000) == pytest.approx(5.0 + 0.125 + 0.2)


def test_packets_wait_for_those_before_them_and_not_for_those_long_gone() -> None:
    line = Direction(SLOW, never)
    assert [line.arrival(0.0, 1_000), line.arrival(0.0, 1_000)] == pytest.approx([0.325, 0.45])
    assert line.arrival(9.0, 1_000) == pytest.approx(9.325)


def test_what_comes_to_a_full_queue_is_dropped_and_there_is_room_again_when_it_has_moved() -> None:
    line = Direction(SLOW, never)
    packets = QUEUE_BYTES // 1_500
    assert None not in [line.arrival(0.0, 1_500) for _ in range(packets)]
    assert line.arrival(0.0, 1_500) is None
    assert line.arrival(0.2, 1_500) is not None
    assert line.counts == {"carried": packets + 1, "crowded out": 1}


@pytest.mark.parametrize(("chance", "arrives"), [(0.049, False), (0.05, True)])
def test_a_packet_is_lost_as_often_as_the_line_loses(chance: float, arrives: bool) -> None:
    line = Direction(SLOW._replace(loss=0.05), lambda: chance)
    assert (line.arrival(0.0, 100) is not None) is arrives
    assert line.counts == ({"carried": 1} if arrives else {"lost": 1})


def test_a_cut_line_carries_nothing_until_it_is_mended() -> None:
    line = Direction(SLOW, never)
    line.cut = True
    assert line.arrival(0.0, 100) is None
    line.cut = False
    assert line.arrival(1.0, 100) == pytest.approx(1.0 + 0.0125 + 0.2)
    assert line.counts == {"cut": 1, "carried": 1}


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(40, 1_500), st.sampled_from(LINES)), max_size=60))
def test_packets_never_overtake_each_other_even_where_the_line_changes(
    rows: list[tuple[float, int, Line]],
) -> None:
    line, now, before = Direction(LINES[0], never), 0.0, 0.0
    for pause, size, becomes in rows:
        now += pause
        line.become(becomes)
        arrival = line.arrival(now, size)
        if arrival is not None:
            assert arrival >= max(before, now)
            before = arrival
