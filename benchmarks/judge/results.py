"""What a run found: every table of the benchmark as rows of numbers."""

from dataclasses import dataclass, field, fields
from statistics import median
from typing import Any, Self

from benchmarks.judge.cells import Summary
from benchmarks.judge.remaining import Calibration
from benchmarks.judge.scenarios import Clients

Cell = tuple[float, float]  # rate, baseline
OURS, ORACLE = "ours", "oracle"
LOOK = "one look at a twelve-hour step, recomputed from the whole history"
MINUTE = "one more minute for somebody who keeps the trial"
IMPORT = "import over bare Python"
IMPORT_LOADED = "import where dataclasses and times are loaded, as in every function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Rollouts per cell."""

    good: int = 60
    effects: int = 120
    peers: int = 20
    stress: int = 40
    clustered: int = 100
    other: int = 40
    production: int = 2
    command: str = "scripts/bench_judge"


SHORT = Sizes()
LONG = Sizes(
    good=1360,
    effects=120,
    peers=30,
    stress=60,
    clustered=250,
    other=40,
    production=15,
    command="scripts/bench_judge --long",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """good, effects: by rule, then by (rate, baseline), effects first by added errors."""

    good: dict[str, dict[Cell, Summary]] = field(default_factory=dict)
    effects: dict[float, dict[str, dict[Cell, Summary]]] = field(default_factory=dict)
    stress: dict[tuple[str, float], Summary] = field(default_factory=dict)
    latency_peers: dict[tuple[Clients, str, str, float], Summary] = field(default_factory=dict)
    latency: dict[tuple[Clients, str, float], Summary] = field(default_factory=dict)
    efficiency: dict[tuple[int, float, float], float] = field(default_factory=dict)
    delays: dict[tuple[int, float, float], tuple[Summary, Summary]] = field(default_factory=dict)
    late: dict[tuple[str, float], Summary] = field(default_factory=dict)
    settings: dict[tuple[str, float], tuple[Summary, Summary, Summary]] = field(default_factory=dict)
    quiet: dict[tuple[str, float], Summary] = field(default_factory=dict)
    quiet_cold: dict[str, Summary] = field(default_factory=dict)
    production: dict[tuple[str, float], Summary] = field(default_factory=dict)
    remaining: dict[Cell, Calibration] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)

    def merge(self, other: Self) -> None:
        """Takes over what another part of the run found."""
        for kept in fields(self):
            _merge(getattr(self, kept.name), getattr(other, kept.name))

    @property
    def median_ratio(self) -> float:
        """Over the cells of the information table."""
        return median(self.efficiency.values())


def _merge(whole: dict[Any, Any], part: dict[Any, Any]) -> None:
    for key, value in part.items():
        if isinstance(value, dict):
            _merge(whole.setdefault(key, {}), value)
        else:
            whole[key] = value
