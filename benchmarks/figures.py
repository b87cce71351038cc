"""Measured figures and their targets, as a table and as an exit code."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, in `unit`.

    target: the most the median may be, None where it is only told. exactly: what every single value must be, for
    counts: a call too many in half of the rounds is as wrong as in all.
    """

    what: str
    values: Sequence[float]
    unit: str
    target: float | None = None
    exactly: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        if self.exactly is not None and any(value != self.exactly for value in self.values):
            return False
        return self.target is None or self.median <= self.target

    @property
    def wanted(self) -> str:
        """In words, or "" where it is only told."""
        if self.exactly is not None:
            return f"= {self.exactly:g} {self.unit}"
        return "" if self.target is None else f"≤ {self.target:g} {self.unit}"


def report(title: str, figures: Sequence[Figure]) -> int:
    """Prints the table; the exit code, 0 when every target is met."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column("figure")
    for name in ("median", "least", "most", "target"):
        table.add_column(name, justify="right")
    for row in figures:
        shown = (row.median, min(row.values), max(row.values)) if len(row.values) > 1 else (row.median,)
        numbers = [f"{value:.3g} {row.unit}" for value in shown] + [""] * (3 - len(shown))
        table.add_row(row.what, *numbers, row.wanted, style="" if row.met else "bold red")
    console = Console()
    console.print(table, soft_wrap=True)
    return 0 if all(row.met for row in figures) else 1
