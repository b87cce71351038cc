"""Who serves the next request: exactly the percents, evenly spread."""

from collections import Counter
from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from scripts.local_cloud.data_plane.shares import Shares


@st.composite
def splits(draw: st.DrawFn) -> dict[str, int]:
    cuts = sorted(draw(st.lists(st.integers(0, 100), max_size=3)))
    edges = [0, *cuts, 100]
    return {f"web-{index}": high - low for index, (low, high) in enumerate(pairwise(edges))}


@given(splits(), st.integers(0, 250))
def test_any_100_requests_in_a_row_match_the_percents(percents: dict[str, int], skipped: int) -> None:
    shares = Shares(percents)
    sequence = list(islice(iter(shares.next, None), skipped + 100))[skipped:]
    assert Counter(sequence) == {revision: percent for revision, percent in percents.items() if percent}


def test_a_small_share_is_spread_and_not_sent_in_a_burst() -> None:
    shares = Shares({"web-1": 90, "web-2": 10})
    positions = [index for index, revision in enumerate(islice(iter(shares.next, None), 100)) if revision == "web-2"]
    assert {after - before for before, after in pairwise(positions)} == {10}


def test_nobody_is_chosen_without_a_share() -> None:
    assert Shares({"web-1": 0}).next() is None
