"""One block of a rollout: what the periods in it held, added up."""

from shared.analysis.e_value import Tally
from shared.analysis.periods import Period
from shared.analysis.record import NamedTuple


class Row(NamedTuple):
    """One period of an open block. timed, stable_timed: its latencies, as `Cuts` count them."""

    period: Period
    timed: list[int]
    stable_timed: list[int]


def errors_of(periods: list[Period]) -> Tally:
    """Failed requests of a block."""
    return Tally(
        sum([period.exposed for period in periods]),
        sum([period.errors for period in periods]),
        sum([period.stable_requests for period in periods]),
        sum([period.stable_errors for period in periods]),
    )


def slow_of(block: list[Row]) -> list[Tally]:
    """For each cut, slower requests of a block."""
    timed, *ours = map(sum, zip(*[row.timed for row in block], strict=True))
    stable_timed, *theirs = map(sum, zip(*[row.stable_timed for row in block], strict=True))
    return [Tally(timed, bad, stable_timed, stable_bad) for bad, stable_bad in zip(ours, theirs, strict=True)]
