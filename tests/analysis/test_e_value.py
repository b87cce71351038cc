"""Where a bet cannot be placed it wins nothing."""

from shared.analysis.counts import percentile_ms
from shared.analysis.e_value import log_e_absolute, log_e_harm, log_e_safety


def test_without_requests_there_is_no_evidence() -> None:
    assert log_e_absolute(bad=0, requests=0, worse=0.5, bound=0.1) == 0
    assert log_e_harm(canary_bad=0, canary=0, stable_bad=0, stable=9, worse=0.5, usual=0.1) == 0
    assert log_e_safety(canary_bad=0, canary=9, stable_bad=0, stable=0, usual=0.1, margin=0.1) == 0
    assert percentile_ms([], 0.9) is None


def test_an_alternative_inside_the_null_is_no_bet() -> None:
    assert log_e_absolute(bad=5, requests=9, worse=0.1, bound=0.1) == 0
    assert log_e_harm(canary_bad=5, canary=9, stable_bad=0, stable=9, worse=0.1, usual=0.1) == 0


def test_more_failures_are_more_evidence_of_harm_and_less_of_safety() -> None:
    harm = [log_e_harm(canary_bad=bad, canary=20, stable_bad=1, stable=80, worse=0.3, usual=0.01) for bad in range(8)]
    assert harm == sorted(harm)
    safety = [
        log_e_safety(canary_bad=bad, canary=20, stable_bad=1, stable=80, usual=0.01, margin=0.1) for bad in range(8)
    ]
    assert safety == sorted(safety, reverse=True)
