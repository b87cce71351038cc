"""Pages as a picture: what each line's people wait for, and where the bytes go."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from shared.connectivity.budget import Budget
from shared.connectivity.lines import LINES, Line, load_seconds
from shared.connectivity.page import Kind, Page

mpl.use("svg")

from matplotlib import pyplot as plt  # after the backend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {
    Kind.HTML: "#0072b2",
    Kind.SCRIPT: "#d55e00",
    Kind.STYLE: "#009e73",
    Kind.FONT: "#cc79a7",
    Kind.IMAGE: "#e69f00",
}  # apart for every kind of eye
_LIMIT = "#a50f15"
_MEASURED = "#56b4e9"
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_STYLE: Any = {
    "svg.hashsalt": "pages",
    "svg.fonttype": "none",  # text stays text, a quarter of the size
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(
    pages: Mapping[str, Page],
    budgets: Mapping[str, Budget],
    path: Path,
    measured: Mapping[str, Mapping[str, float]] = _NOTHING,
) -> None:
    """Writes an SVG with a row for each route; the same figures give the same bytes.

    measured: by route, and by the name of a line, the seconds that a browser took; drawn beside those computed.
    """
    with mpl.rc_context(_STYLE):
        size = (10, 0.6 + 2.6 * len(pages))
        figure, rows = plt.subplots(len(pages), 2, figsize=size, layout="constrained", squeeze=False)
        for (waits, weighs), (route, page) in zip(rows, pages.items(), strict=True):
            _waits(waits, page._replace(path=route), budgets[route], measured.get(route, _NOTHING))
            _weighs(weighs, page, budgets[route])
        figure.savefig(path, format="svg", metadata={"Date": None, "Title": "pages"})
        plt.close(figure)


def _waits(axes: "Axes", page: Page, budget: Budget, measured: Mapping[str, float]) -> None:
    """Seconds of a first visit on each line, and how many are allowed."""
    axes.set_title(f"{page.path}: a first visit, seconds", loc="left")
    names = [f"{line.name}\n{_speed(line)}" for line in LINES]
    computed = [load_seconds(page, line) if page.resources else 0.0 for line in LINES]
    browser = [measured.get(line.name, 0.0) for line in LINES]
    half = 0.2 if measured else 0.0
    _bars(axes, computed, -half, "0.6", "computed")
    if measured:
        _bars(axes, browser, half, _MEASURED, "Chromium on such a line")
    for row, line in enumerate(LINES):
        if most := budget.load_seconds_max.get(line.name):
            axes.plot([most, most], [row - 0.4, row + 0.4], color=_LIMIT, lw=2)
    axes.set_yticks(range(len(LINES)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(*computed, *browser, *budget.load_seconds_max.values(), 1.0))
    if measured:
        axes.legend(loc="upper right", frameon=False)


def _bars(axes: "Axes", seconds: list[float], shift: float, colour: str, label: str) -> None:
    rows = [row + shift for row in range(len(seconds))]
    axes.barh(rows, seconds, 0.36 if shift else 0.8, color=colour, label=label)
    for row, value in zip(rows, seconds, strict=True):
        axes.annotate(f"{value:.1f}", (value, row), xytext=(3, 0), textcoords="offset points", va="center")


def _speed(line: Line) -> str:
    lost = f", {line.loss:.0%} lost" if line.loss else ""
    return f"{line.round_trip_ms} ms, {line.bits_per_second / 1e6:g} Mbit/s{lost}"


def _weighs(axes: "Axes", page: Page, budget: Budget) -> None:
    """Every answer, the largest on top, in its kind's colour."""
    whole = f"{page.bytes_received:,} of {budget.bytes_max:,} bytes, {page.requests} of {budget.requests_max} requests"
    axes.set_title(page.failure or page.location or whole, loc="right")
    rows = sorted(page.resources, key=lambda row: row.bytes_received)
    axes.barh(range(len(rows)), [row.bytes_received / 1000 for row in rows], color=[_COLOURS[row.kind] for row in rows])
    axes.set_yticks(range(len(rows)), [_short(row.path) for row in rows])
    axes.set_xlabel("kB on the wire", loc="left")
    for kind in Kind:
        if any(row.kind is kind for row in rows):
            axes.barh([0], [0], color=_COLOURS[kind], label=kind.value)
    if rows:
        axes.legend(loc="lower right", frameon=False)


def _short(path: str) -> str:
    name = path.partition("?")[0].rpartition("/")[2] or path
    return name if len(name) <= 26 else f"{name[:12]}…{name[-13:]}"
