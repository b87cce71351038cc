"""What the judge must show, checked against what was measured."""

from dataclasses import dataclass

from benchmarks.judge.catalogue import AT_FULL, BESIDE_STABLE, CLUSTERED, ORDINARY
from benchmarks.judge.cells import Summary, upper_limit
from benchmarks.judge.markdown import points
from benchmarks.judge.results import IMPORT, LOOK, MINUTE, ORACLE, OURS, Results
from benchmarks.judge.scenarios import BASELINES, RATES

FULL_MAX = {20.0: 40, 5.0: 60, 1.0: 75, 0.3: 100}  # minutes to 100 % in the median
BAD_MAX = {0.10: 2.0, 1.0: 1.2, 0.02: 3.0}  # times the oracle's
HARM_MIN = {0.02: 7, 0.10: 14, 1.0: 20}  # times fewer excess errors than the best admissible peer
COST_MAX = {LOOK: 20.0, MINUTE: 0.2, IMPORT: 15.0}
ENOUGH = 20_000  # good rollouts
ENOUGH_PLAYED = 200  # as in production
_ADMISSIBLE = 0.01  # false rollbacks
_FOUND = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Met or not, and by how much; met is None where too little was measured to say."""

    said: str
    wanted: str
    found: str
    met: bool | None


def targets(results: Results) -> list[Target]:
    parts = (_false_rollbacks, _stress, _bad_requests, _harm, _climb, _information, _latency, _late, _real, _cost)
    return [target for part in parts for target in part(results)]


def _false_rollbacks(results: Results) -> list[Target]:
    good = list(results.good[OURS].values())
    worst = max(summary.rate for summary in good)
    whole, hits = sum(summary.rollouts for summary in good), sum(summary.rolled_back for summary in good)
    upper = upper_limit(hits, whole)
    measured = None if whole < ENOUGH else upper <= 0.001
    return [
        _target("false rollbacks in the worst of the good cells", "at most 1 %", f"{worst:.2%}", worst <= 0.01),
        _target(
            "false rollbacks of good canaries, upper 95 % limit",
            "at most 0.1 % over 20,000",
            f"{upper:.3%}: {hits} of {whole:,}",
            measured,
        ),
    ]


def _stress(results: Results) -> list[Target]:
    """A cell too small to show what is promised is not called met."""
    rows = []
    for said, names, most in (
        ("false rollbacks in the worst clustered cell", CLUSTERED, 0.015),
        ("false rollbacks in the worst other stress cell", ORDINARY, 0.015),
        ("false rollbacks in shared outages beside stable", BESIDE_STABLE, 0.0),
        ("false rollbacks in shared outages of 30 % and more around and at 100 %, worst cell", AT_FULL, 0.015),
    ):
        cells = [row for (name, _), row in results.stress.items() if name in names]
        worst = max(cells, key=lambda row: row.rate)
        wanted = f"at most {100 * most:g} %" if most else "0"
        whole = sum(row.rolled_back for row in cells), sum(row.rollouts for row in cells)
        rows.append(_target(said, wanted, f"{worst.rate:.2%}; {whole[0]} of {whole[1]:,} in all", worst.rate <= most))
    return rows


def _bad_requests(results: Results) -> list[Target]:
    rows = []
    for added, most in BAD_MAX.items():
        found, best = results.effects[added][OURS], results.effects[added][ORACLE]
        cells = [cell for cell in found if cell[0] >= 1 and cell[1] >= BASELINES[1]]
        where = f"{points(added)}, 1 request/s and more, baseline 0.1 % and more"
        least = min(found[cell].rate for cell in cells)
        rows.append(_target(f"rolled back at {where}", "at least 95 %", f"{least:.0%}", least >= _FOUND))
        worst = max(found[cell].bad / best[cell].bad for cell in cells)
        wanted = f"at most {most:g} times the oracle's"
        rows.append(_target(f"bad requests at {where}", wanted, f"{worst:.2f}", worst <= most))
    return rows


def _harm(results: Results) -> list[Target]:
    """Against every peer that is not shown to blame more good canaries than allowed: few rollouts show little."""
    rows = []
    for added, least in HARM_MIN.items():
        own = summed(results.effects[added][OURS])
        peers = {
            name: summed(cells)
            for name, cells in results.effects[added].items()
            if name not in (OURS, ORACLE) and max(row.lower for row in results.good[name].values()) <= _ADMISSIBLE
        }
        name = min(peers, key=peers.__getitem__, default="")
        ratio = peers[name] / own if name else 0.0
        said = f"excess errors in six hours at {points(added)}, all cells"
        found = f"{ratio:.1f} times ({name})" if name else "no peer is within 1 %"
        met = ratio >= least if name else None
        rows.append(_target(said, f"{least} times fewer than a peer within 1 % false rollbacks", found, met))
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
    worst, middle = max(results.efficiency.values()), results.median_ratio
    return [
        _target("median canary requests by the limit, worst cell", "at most 2.2", f"{worst:.2f}", worst <= 2.2),
        _target("the same, median of the cells", "at most 1.75", f"{middle:.2f}", middle <= 1.75),
    ]


def _latency(results: Results) -> list[Target]:
    good = max(row.rate for (_, name, _), row in results.latency.items() if name == "good")
    cold = max(row.rate for (_, name, _), row in results.latency.items() if name == "3 % cold starts")
    idle = max(row.rate for (_, name, _), row in results.latency.items() if name == "cold after 2 idle minutes")
    twice = min(row.rate for (_, name, rate), row in results.latency.items() if name == "x2" and rate >= 0.3)
    return [
        _target("good canaries rolled back for latency, worst cell", "at most 1 %", f"{good:.1%}", good <= 0.01),
        _target("the same with 3 % cold starts", "at most 2 %", f"{cold:.1%}", cold <= 0.02),
        _target("the same with cold starts after idle minutes", "at most 1 %", f"{idle:.1%}", idle <= 0.01),
        _target("twice as slow, 0.3 requests/s and more, worst cell", "at least 95 %", f"{twice:.0%}", twice >= _FOUND),
    ]


def _late(results: Results) -> list[Target]:
    least = min(row.rate for row in results.late.values())
    return [_target("faults that begin late, worst cell", "at least 95 %", f"{least:.0%}", least >= _FOUND)]


def _real(results: Results) -> list[Target]:
    """The production path is played less often: one blamed of a few dozen shows nothing either way."""
    good = [row for (name, _), row in results.production.items() if name.startswith("good")]
    bad = [row for (name, _), row in results.production.items() if not name.startswith("good")]
    blamed, played = sum(row.rolled_back for row in good), sum(row.rollouts for row in good)
    kept: bool | None = blamed <= _ADMISSIBLE * played
    if not kept and played < ENOUGH_PLAYED and 1 - upper_limit(played - blamed, played) <= _ADMISSIBLE:
        kept = None
    found, faulty = sum(row.rolled_back for row in bad), sum(row.rollouts for row in bad)
    return [
        _target("good canaries blamed by `judge` and `decide`", "at most 1 %", f"{blamed} of {played}", kept),
        _target("bad ones found by them", "all", f"{found} of {faulty}", found == faulty),
    ]


def _cost(results: Results) -> list[Target]:
    rows = []
    for name, most in COST_MAX.items():
        found = results.cost.get(name)
        told = "" if found is None else f"{found:.3g} ms"
        rows.append(_target(name, f"at most {most:g} ms", told, None if found is None else found <= most))
    return rows


def summed(cells: dict[tuple[float, float], Summary]) -> float:
    """Mean excess errors, over all rates and baselines."""
    return sum(cells[rate, baseline].harm for rate in RATES for baseline in BASELINES)


def _target(said: str, wanted: str, found: str, met: bool | None) -> Target:
    return Target(said=said, wanted=wanted, found=found, met=met)
