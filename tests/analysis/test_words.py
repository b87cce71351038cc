"""Figures as people read them."""

from math import exp, inf

import pytest

from shared.analysis.evidence import Histogram
from shared.analysis.words import e_value, more_needed, odds, slower_than_stable, span, spans, under


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(0.001, "1 s"), (0.02, "1 s"), (1.4, "84 s"), (1.5, "2 min"), (119, "119 min"), (120, "2 h"), (200, "3 h")],
)
def test_a_time_is_told_in_the_unit_that_fits(minutes: float, told: str) -> None:
    assert span(minutes) == told


@pytest.mark.parametrize(
    ("soonest", "latest", "told"),
    [(2.1, 1.9, "2 min"), (2, 9, "2 to 9 min"), (119, 121, "119 min to 2 h"), (1, 1.4, "60 to 84 s"),
     (3, inf, "3 min or more")],
)  # fmt: skip
def test_a_range_names_a_unit_once(soonest: float, latest: float, told: str) -> None:
    assert spans(soonest, latest) == told


def test_one_is_one() -> None:
    assert more_needed(1, 2, 5) == "needs about 1 more request, 2 to 5 min at this rate"
    assert more_needed(2000, 2, 5) == "needs about 2,000 more requests, 2 to 5 min at this rate"
    assert under(1.04) == "under 1 point more errors"
    assert under(1.06) == "under 1.1 points more errors"
    assert under(0.5) == "under 0.5 points more errors"


@pytest.mark.parametrize(
    ("value", "told"),
    [(9.94, "odds 9.9 to 1"), (10, "odds 10 to 1"), (999_999, "odds 999,999 to 1"), (1e6, "odds over a million to 1")],
)
def test_odds_are_told_as_a_bettor_tells_them(value: float, told: str) -> None:
    assert odds(value) == told


def test_an_e_value_ends_where_digits_say_nothing() -> None:
    assert e_value(2.0) == pytest.approx(exp(2.0))
    assert e_value(1e9) == pytest.approx(1e12, rel=0.05)


def test_stables_quantile_is_told_where_it_is_known() -> None:
    ours = Histogram((100.0, 200.0), (1, 0, 1500))
    theirs = Histogram((100.0, 200.0), (1500, 500, 1))
    assert slower_than_stable(0.5, 200.0, ours, theirs) == (
        "1,500 of 1,501 canary requests took longer than 200 ms (stable's p50 is 66.7 ms), 1 of 2,001 on stable"
    )
    assert slower_than_stable(0.9, 1234.0, ours, Histogram()) == (
        "0 of 1,501 canary requests took longer than 1,234 ms, 0 of 0 on stable"
    )
