"""Lines of an estimate, and the month they are for."""

from dataclasses import dataclass

MONTH_SECONDS = 730 * 3600
MONTH_MINUTES = 730 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the estimate, in dollars a month (or a canary)."""

    what: str
    dollars: float
    how: str
    source: str


def times(factor: float) -> str:
    """What a line says of a dearer region."""
    return f", times {factor:g} for the region" if factor != 1 else ""
