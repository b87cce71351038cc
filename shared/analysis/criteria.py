"""What is compared, and which harm is bet on: the judge's own numbers, none of which a service needs to tune.

Errors come first: four sizes of harm, so that the nearest one is never more than twice off, of equal weight because
nobody knows. Latency is a guardrail with tolerances, and has a quarter of the capital.
"""

from shared.analysis.comparison import Comparison

ERROR_EFFECTS = (0.007, 0.03, 0.12, 0.5)  # points of harm, if stable never fails: 0.7 to 50
ERROR_BETS = len(ERROR_EFFECTS)
ERROR_PRIOR = (0.5, 250.0)  # bad ones and all requests imagined of a stable revision never seen: one in 500 fails
ERROR_CLUSTERING = 0.005  # a machine in two hundred requests; stable's own history soon outweighs it
# Stable's quantile, the share of slower requests that a cold cache or a cold start may add, and the effects bet on:
# at p90 about 1.2 and 2 times slower for log-normal latencies, at p99 a tail of twice the time.
CUTS = ((0.5, 0.05, (0.3,)), (0.9, 0.03, (0.12, 0.5)), (0.99, 0.02, (0.1,)))
SLOW_BETS = tuple(index for index, (_, _, effects) in enumerate(CUTS) for _ in effects)
SLOW_PRIOR = (0.5, 1.0)
SLOW_CLUSTERING = 0.01  # slowness comes in phases more than failure does
SAFETY_CUT = 1  # p90: what promotion asks for; the median says little about slow networks, p99 is too rare
_ERROR_WEIGHT, _SLOW_WEIGHT = 0.75, 0.25  # of the capital
WEIGHTS = (
    *[_ERROR_WEIGHT / ERROR_BETS] * ERROR_BETS,
    *[_SLOW_WEIGHT / len(SLOW_BETS)] * len(SLOW_BETS),
)


def failing() -> Comparison:
    """Failed requests. Any excess is harm: the margin is for the proof of safety."""
    return Comparison(ERROR_EFFECTS, tolerance=0.0, prior=ERROR_PRIOR, clustering=ERROR_CLUSTERING, stretches=True)


def slowing() -> tuple[Comparison, ...]:
    """Requests slower than each cut, counted like errors."""
    return tuple(
        Comparison(effects, tolerance=tolerance, prior=SLOW_PRIOR, clustering=SLOW_CLUSTERING)
        for _, tolerance, effects in CUTS
    )
