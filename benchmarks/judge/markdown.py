"""How figures are written on the page."""

from collections.abc import Iterable, Sequence
from math import isinf

from benchmarks.judge.cells import Summary


def table(title: str, said: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of one table with its heading and what its cells hold."""
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return [f"## {title}", "", said, "", *lines, ""]


def points(added: float) -> str:
    return "total failure" if added >= 1 else f"+{100 * added:g} points"


def minutes(value: float) -> str:
    return "never" if isinf(value) else f"{value:.0f}"


def ratio(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f}"


def good_cell(row: Summary) -> str:
    return f"{row.rate:.1%} / {minutes(row.full_at)}"


def bad_cell(row: Summary) -> str:
    if not row.rolled_back:
        return "0 %"
    return f"{row.rate:.0%} / {row.bad:.0f} / {minutes(row.minutes)}"


def latency_cell(row: Summary) -> str:
    return f"{row.rate:.0%} / {minutes(row.requests)} / {row.promoted / row.rollouts:.0%}"
