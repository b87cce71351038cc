"""A rollout as a picture: shares and requests, errors, latency, and the evidence against its thresholds."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from scripts.explanation.course import Look
from scripts.explanation.story import Story
from shared.analysis.evidence import Sample
from shared.analysis.latency import merged, quantile_ms
from shared.analysis.question import Question

mpl.use("svg")

from matplotlib import dates  # after the backend
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CANARY, STABLE, HARM, SAFETY = "#d55e00", "#0072b2", "#a50f15", "#1b7837"  # apart for every kind of eye
_LEAST_E = 1e-3
_WINDOW = timedelta(minutes=10)
_STYLE: Any = {"svg.hashsalt": "rollout", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw(story: Story, looks: Sequence[Look], path: Path) -> None:
    """Writes an SVG; the same story gives the same bytes."""
    question = story.verdicts[-1].question
    with mpl.rc_context(_STYLE):
        figure, rows = plt.subplots(4, 1, figsize=(9, 10), sharex=True, layout="constrained")
        figure.suptitle(f"{story.rollout}: {story.outcome.replace('_', ' ')}", fontsize=12)
        _shares(rows[0], question, looks)
        _errors(rows[1], looks)
        _latencies(rows[2], question)
        _evidence(rows[3], question, looks)
        for axes in rows:
            _changes(axes, looks)
        ticks = dates.AutoDateLocator(tz=UTC)
        rows[-1].xaxis.set_major_locator(ticks)
        rows[-1].set_xlabel("UTC", loc="left")
        rows[-1].xaxis.set_major_formatter(dates.ConciseDateFormatter(ticks, tz=UTC))
        rows[-1].set_xlim(*_days([question.rollout_started - _WINDOW, looks[-1].settled + _WINDOW / 10]))
        figure.savefig(path, format="svg", metadata={"Date": None, "Title": story.rollout})
        plt.close(figure)


def _shares(axes: "Axes", question: Question, looks: Sequence[Look]) -> None:
    per_minute = timedelta(minutes=1) / question.history.sample_period
    for name, label, colour in _sides(question):
        rows = question.history.samples.get(name, ())
        axes.plot(
            _days(row.end for row in rows),
            [per_minute * sum(row.requests_by_class.values()) for row in rows],
            color=colour,
            label=f"{label}, requests a minute",
        )
    axes.set_ylabel("requests a minute")
    share = axes.twinx()
    share.step(_days(look.settled for look in looks), [look.share for look in looks], color="0.4", where="pre", ls=":")
    share.set_ylim(0, 105)
    share.set_ylabel("canary's share, %")
    share.spines["right"].set_visible(True)
    _legend(axes)


def _errors(axes: "Axes", looks: Sequence[Look]) -> None:
    times = _days(look.settled for look in looks)
    for label, colour, counts in (
        ("canary", CANARY, [(row.verdict.canary_errors, row.verdict.canary_requests) for row in looks]),
        ("stable", STABLE, [(row.verdict.baseline_errors, row.verdict.baseline_requests) for row in looks]),
    ):
        shares = [100 * bad / requests if requests else float("nan") for bad, requests in counts]
        bad, requests = counts[-1]
        axes.plot(times, shares, color=colour, label=f"{label}: {bad:,} of {requests:,} failed")
    axes.set_ylabel("failed so far, %")
    axes.set_ylim(bottom=0)
    _legend(axes)


def _latencies(axes: "Axes", question: Question) -> None:
    """The median as a line and what lies between it and the p90 as a band, of the last ten minutes at each moment."""
    for name, label, colour in _sides(question):
        rows = question.history.samples.get(name, ())
        points = [(row.end, *_quantiles(rows, row.end)) for row in rows]
        known = [(end, low, high) for end, low, high in points if low is not None and high is not None]
        if known:
            ends, medians, highs = zip(*known, strict=True)
            axes.plot(_days(ends), medians, color=colour, label=f"{label}, median to p90")
            axes.fill_between(_days(ends), medians, highs, color=colour, alpha=0.2, lw=0)
    axes.set_ylabel("latency, ms")
    axes.set_ylim(bottom=0)
    if axes.lines:
        _legend(axes)


def _evidence(axes: "Axes", question: Question, looks: Sequence[Look]) -> None:
    times, risk = _days(look.settled for look in looks), question.risk
    for label, colour, values, needed in (
        ("of harm", HARM, [look.verdict.evidence_of_harm for look in looks], 1 / risk.false_rollback_risk),
        ("of safety", SAFETY, [look.verdict.evidence_of_safety for look in looks], 1 / risk.missed_harm_risk),
    ):
        axes.plot(times, [max(value, _LEAST_E) for value in values], color=colour, label=f"evidence {label}")
        axes.axhline(needed, color=colour, ls="--", lw=1)
        acts = "rolls back" if colour == HARM else "advances"
        axes.annotate(
            f"{needed:g} {acts}", (1, needed), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=colour
        )
    axes.set_yscale("log")
    axes.set_ylabel("e-value")
    _legend(axes)


def _legend(axes: "Axes") -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderaxespad=0)


def _changes(axes: "Axes", looks: Sequence[Look]) -> None:
    for before, look in pairwise(looks):
        if look.share != before.share:
            axes.axvline(*_days([before.settled]), color="0.8", lw=0.8, zorder=0)


def _days(times: Iterable[datetime]) -> list[float]:
    """Matplotlib's dates: days since 1970."""
    return [at.timestamp() / 86400 for at in times]


def _sides(question: Question) -> list[tuple[str, str, str]]:
    sides = [(question.canary, "canary", CANARY), (question.stable, "stable", STABLE)]
    return [side for side in sides if side[0]]


def _quantiles(rows: Sequence[Sample], end: datetime) -> tuple[float | None, float | None]:
    histogram = merged([row.latency for row in rows if end - _WINDOW < row.end <= end])
    return quantile_ms(histogram, 0.5), quantile_ms(histogram, 0.9)
