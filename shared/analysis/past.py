"""What stable did before the canary's first traffic, read once when the rollout begins.

An outage says nothing about how requests fail together on one revision, nor about what is usual: nearly everything
failed for minutes, which is what a broken dependency or zone does to every revision. Counted as clustering, it would
make a request speak for whole stretches for hours, and neither a good release nor a bad one could be told afterwards.
"""

from collections.abc import Sequence

from shared.analysis.periods import Period

STRETCH = 10  # periods: as long as trouble that is nobody's release is looked for
_GROSS_SHARE, _GROSS_ERRORS = 0.5, 3  # of stable's requests in a period
_OUTAGE_PERIODS = 3  # in a row; less may be one instance that died
_STANDS_OUT, _STANDS_OUT_TIMES, _STANDS_OUT_ERRORS = 0.01, 2.0, 2  # of a stretch's requests, times the usual stretch's


def without_outages(past: Sequence[Period]) -> list[Period | None]:
    """The periods in order, None for those of an outage and its first and last, partial ones.

    Where half of all is like that, it is what is usual of this service, and all of it stays.
    """
    gone: set[int] = set()
    run: list[int] = []
    asked = [index for index, period in enumerate(past) if period.stable_requests]
    for index in [*asked, -1]:
        if index >= 0 and _gross(past[index]):
            run.append(index)
            continue
        if len(run) >= _OUTAGE_PERIODS:
            gone.update(range(max(0, run[0] - 1), min(len(past), run[-1] + 2)))
        run = []
    if 2 * len(gone) >= len(asked):
        return list(past)
    return [None if index in gone else period for index, period in enumerate(past)]


def _gross(period: Period) -> bool:
    return period.stable_errors >= max(_GROSS_ERRORS, _GROSS_SHARE * period.stable_requests)


def bad_stretches(past: Sequence[Period]) -> tuple[int, int]:
    """How many stretches stand out by their failures, and of how many."""
    rows = [past[start : start + STRETCH] for start in range(0, len(past), STRETCH)]
    counts = [(sum(p.stable_errors for p in row), sum(p.stable_requests for p in row)) for row in rows]
    counts = [(bad, requests) for bad, requests in counts if requests]
    if not counts:
        return 0, 0
    shares, middle = sorted(bad / requests for bad, requests in counts), len(counts) // 2
    median = (shares[middle] + shares[~middle]) / 2  # the module for it would cost more to load than the judge
    bearable = max(_STANDS_OUT, _STANDS_OUT_TIMES * median)
    return sum(bad >= _STANDS_OUT_ERRORS and bad > bearable * requests for bad, requests in counts), len(counts)
