"""The judge's sentences: counts first, then what they mean."""

from math import exp, isinf

from shared.analysis.evidence import Histogram
from shared.analysis.latency import quantile_ms, slower
from shared.analysis.past import STRETCH
from shared.analysis.verdict import Verdict

_LOG_E_MAX = 27.6  # 1e12; more digits say nothing


def e_value(log_e: float) -> float:
    return exp(min(log_e, _LOG_E_MAX))


def odds(value: float) -> str:
    """An e-value in a bettor's words."""
    if value >= 1e6:
        return "odds over a million to 1"
    return f"odds {value:,.0f} to 1" if value >= 10 else f"odds {value:.1f} to 1"


def failed_of(errors: int, requests: int, which: str) -> str:
    return f"{errors:,} of {requests:,} {which} failed"


def against_stable(figures: Verdict) -> str:
    canary = failed_of(figures.canary_errors, figures.canary_requests, "canary requests")
    return f"{canary}, {figures.baseline_errors:,} of {figures.baseline_requests:,} on stable"


def slower_than_stable(quantile: float, edge_ms: float, ours: Histogram, theirs: Histogram) -> str:
    usual = quantile_ms(theirs, quantile)
    known = "" if usual is None else f" (stable's p{100 * quantile:.0f} is {usual:,.3g} ms)"
    return (
        f"{slower(ours, edge_ms):,} of {sum(ours.counts):,} canary requests took longer than {edge_ms:,.4g} ms{known}, "
        f"{slower(theirs, edge_ms):,} of {sum(theirs.counts):,} on stable"
    )


def failing_altogether(counts: str, minutes: int) -> str:
    return f"{counts}; nearly every request failed in each of its last {minutes} minutes."


def lasting(counts: str, stretches: int) -> str:
    minutes = stretches * STRETCH
    return f"{counts}; beyond chance in each {STRETCH} of the last {minutes} minutes, and stable's bursts end sooner."


def more_needed(requests: int, soonest: float, latest: float) -> str:
    """Such as "needs about 140 more requests, 20 to 60 min at this rate". latest: minutes, or infinite."""
    many = f"needs about {requests:,} more request{'' if requests == 1 else 's'}"
    return f"{many}, {spans(soonest, latest)} at this rate"


def spans(soonest: float, latest: float) -> str:
    """Such as "25 min", "20 to 60 min", "40 s to 3 min", "9 h or more"."""
    first = span(soonest)
    if isinf(latest):
        return f"{first} or more"
    last = span(latest)
    if first == last:
        return last
    number, unit = first.split()
    return f"{number} to {last}" if last.endswith(f" {unit}") else f"{first} to {last}"


def under(points: float) -> str:
    """Such as "under 1.5 points more errors"."""
    rounded = round(points, 1)
    return f"under {rounded:g} point{'' if rounded == 1 else 's'} more errors"


def span(minutes: float) -> str:
    """Such as "40 s", "25 min", "9 h"."""
    if minutes < 1.5:
        return f"{max(1, round(60 * minutes))} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
