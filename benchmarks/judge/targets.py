"""What the judge must show, checked against what was measured."""

from dataclasses import dataclass
from math import inf

from benchmarks.judge.cells import Summary, upper_limit
from benchmarks.judge.scenarios import BASELINES, RATES
from benchmarks.judge.tables import CLUSTERED, ORACLE, OURS, OUTAGE, Results, median_ratio

FULL_MAX = {20.0: 40, 5.0: 60, 1.0: 75, 0.3: 100}  # minutes to 100 % in the median
BAD_MAX = {0.10: 2.0, 1.0: 1.2, 0.02: 3.0}  # times the oracle's
HARM_MIN = {0.02: 7, 0.10: 14, 1.0: 20}  # times fewer excess errors than the best admissible peer
_ADMISSIBLE = 0.01  # false rollbacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Met or not, and by how much."""

    said: str
    wanted: str
    found: str
    met: bool


def targets(results: Results) -> list[Target]:
    parts = (_false_rollbacks, _bad_requests, _harm, _climb, _information)
    return [target for part in parts for target in part(results)]


def _false_rollbacks(results: Results) -> list[Target]:
    good = list(results.good[OURS].values())
    worst = max(summary.rate for summary in good)
    whole, hits = sum(summary.rollouts for summary in good), sum(summary.rolled_back for summary in good)
    upper = upper_limit(hits, whole)
    clustered = max(row.rate for (name, _), row in results.stress.items() if name in CLUSTERED)
    outage = sum(row.rolled_back for (name, _), row in results.stress.items() if name == OUTAGE)
    enough = "" if whole >= 20_000 else " (too few for the target: --long)"
    return [
        _target("false rollbacks in the worst of the good cells", "at most 1 %", f"{worst:.2%}", worst <= 0.01),
        _target(
            "false rollbacks of good canaries, upper 95 % limit",
            "at most 0.1 % over 20,000",
            f"{upper:.3%}: {hits} of {whole:,}{enough}",
            upper <= 0.001 or whole < 20_000,
        ),
        _target("false rollbacks in the worst clustered cell", "at most 1.5 %", f"{clustered:.2%}", clustered <= 0.015),
        _target("false rollbacks in shared outages beside stable", "0", str(outage), outage == 0),
    ]


def _bad_requests(results: Results) -> list[Target]:
    rows = []
    for added, most in BAD_MAX.items():
        found, best = results.effects[added][OURS], results.effects[added][ORACLE]
        cells = [cell for cell in found if cell[0] >= 1 and cell[1] >= BASELINES[1] and found[cell].rolled_back]
        worst = max(found[cell].bad / best[cell].bad for cell in cells)
        said = f"bad requests at {points(added)}, 1 request/s and more, baseline 0.1 % and more"
        rows.append(_target(said, f"at most {most:g} times the oracle's", f"{worst:.2f}", worst <= most))
    return rows


def _harm(results: Results) -> list[Target]:
    rows = []
    for added, least in HARM_MIN.items():
        own = summed(results.effects[added][OURS])
        peers = {
            name: summed(cells)
            for name, cells in results.effects[added].items()
            if name not in (OURS, ORACLE) and max(row.rate for row in results.good[name].values()) <= _ADMISSIBLE
        }
        name = min(peers, key=peers.__getitem__, default="")
        ratio = peers[name] / own if name else inf
        said = f"excess errors in six hours at {points(added)}, all cells"
        found = f"{ratio:.1f} times ({name})" if name else "no peer is admissible"
        rows.append(_target(said, f"{least} times fewer than a peer within 1 % false rollbacks", found, ratio >= least))
    return rows


def _climb(results: Results) -> list[Target]:
    rows = []
    for rate in sorted(FULL_MAX, reverse=True):
        found = [results.good[OURS][rate, baseline].full_at for baseline in BASELINES]
        told = " / ".join(f"{minutes:.0f}" for minutes in found)
        most = FULL_MAX[rate]
        said = f"median minutes to 100 % at {rate:g} requests/s, baseline 0 / 0.1 / 1 %"
        rows.append(_target(said, f"at most {most}", told, max(found) <= most))
    return rows


def _information(results: Results) -> list[Target]:
    worst, middle = max(results.efficiency.values()), median_ratio(results)
    return [
        _target("median canary requests by the limit, worst cell", "at most 2.2", f"{worst:.2f}", worst <= 2.2),
        _target("the same, median of the cells", "at most 1.75", f"{middle:.2f}", middle <= 1.75),
    ]


def summed(cells: dict[tuple[float, float], Summary]) -> float:
    """Mean excess errors, over all rates and baselines."""
    return sum(cells[rate, baseline].harm for rate in RATES for baseline in BASELINES)


def points(added: float) -> str:
    return "total failure" if added >= 1 else f"+{100 * added:g} points"


def _target(said: str, wanted: str, found: str, met: bool) -> Target:
    return Target(said=said, wanted=wanted, found=found, met=met)
