"""A question to the judge as JSON, so that the ledger can keep what a verdict was made of and it can be judged again.

Histograms share their bounds and leave out empty buckets: a minute of both revisions is about a hundred bytes.
"""

from datetime import timedelta
from typing import Any

from shared.analysis.evidence import Histogram, History, Sample
from shared.analysis.proof import Risk
from shared.analysis.question import Question
from shared.errors import InvalidEvent
from shared.events import fields, verdict

_SECOND = timedelta(seconds=1)


def encode(question: Question) -> dict[str, Any]:
    """Of the history, the two revisions that were compared."""
    history, bounds = question.history, dict[tuple[float, ...], int]()
    samples = {
        name: [_sample_row(sample, bounds) for sample in history.samples.get(name, ())]
        for name in (question.canary, question.stable)
        if name
    }
    risk = question.risk._asdict()
    return {
        "canary": question.canary,
        "stable": question.stable,
        "rollout_started": question.rollout_started.isoformat(),
        "step_started": question.step_started.isoformat(),
        "share": question.share,
        "next_share": question.next_share,
        "risk": {**risk, "proof_time": risk["proof_time"] / _SECOND},
        "probes": [probe._asdict() for probe in question.probes],
        "sample_period": history.sample_period / _SECOND,
        "ingest_delay": history.ingest_delay / _SECOND,
        "settled_until": history.settled_until.isoformat(),
        "bounds_ms": list(bounds),
        "samples": samples,
    }


def parse(row: fields.Fields, path: str) -> Question:
    """Raises InvalidEvent."""
    bounds = _bounds(row.get("bounds_ms"), f"{path}bounds_ms")
    samples = fields.mapping(row, "samples", path=path)
    history = History(
        sample_period=fields.duration(row, "sample_period", path=path),
        ingest_delay=fields.duration(row, "ingest_delay", path=path),
        settled_until=fields.moment(row, "settled_until", path=path),
        samples={
            name: tuple(
                _sample(item, bounds, f"{path}samples.{name}[{index}].")
                for index, item in enumerate(fields.rows(samples, name, path=f"{path}samples."))
            )
            for name in samples
        },
    )
    return Question(
        history=history,
        canary=fields.text(row, "canary", path=path),
        stable=fields.text(row, "stable", default="", path=path),
        rollout_started=fields.moment(row, "rollout_started", path=path),
        step_started=fields.moment(row, "step_started", path=path),
        share=fields.integer(row, "share", path=path),
        next_share=fields.integer(row, "next_share", path=path),
        risk=_risk(fields.mapping(row, "risk", path=path), f"{path}risk."),
        probes=tuple(
            verdict.probe(item, f"{path}probes[{index}].")
            for index, item in enumerate(fields.rows(row, "probes", path=path))
        ),
    )


def _sample_row(sample: Sample, bounds: dict[tuple[float, ...], int]) -> dict[str, Any]:
    row: dict[str, Any] = {"end": sample.end.timestamp(), "requests": dict(sample.requests_by_class)}
    if sample.failed_starts:
        row["failed_starts"] = sample.failed_starts
    if sample.latency.counts:
        row["bounds"] = bounds.setdefault(sample.latency.bounds_ms, len(bounds))
        row["counts"] = {str(index): count for index, count in enumerate(sample.latency.counts) if count}
    return row


def _sample(row: fields.Fields, bounds: list[tuple[float, ...]], path: str) -> Sample:
    requests = fields.mapping(row, "requests", path=path)
    return Sample(
        end=fields.from_epoch(fields.number(row, "end", path=path), f"{path}end"),
        requests_by_class={name: fields.integer(requests, name, path=f"{path}requests.") for name in requests},
        latency=_histogram(row, bounds, path) if "bounds" in row else Histogram(),
        failed_starts=fields.integer(row, "failed_starts", default=0, path=path),
    )


def _histogram(row: fields.Fields, bounds: list[tuple[float, ...]], path: str) -> Histogram:
    at = fields.integer(row, "bounds", path=path)
    if not 0 <= at < len(bounds):
        raise InvalidEvent(f"{path}bounds", f"there are {len(bounds)} of them, and no number {at}")
    counts = [0] * (len(bounds[at]) + 1)
    given = fields.mapping(row, "counts", path=path)
    for name in given:
        if not (name.isdecimal() and int(name) < len(counts)):
            raise InvalidEvent(f"{path}counts.{name}", f"must be a bucket, 0 to {len(counts) - 1}")
        counts[int(name)] = fields.integer(given, name, path=f"{path}counts.")
    return Histogram(bounds_ms=bounds[at], counts=tuple(counts))


def _risk(row: fields.Fields, path: str) -> Risk:
    return Risk(
        false_rollback_risk=fields.number(row, "false_rollback_risk", path=path),
        missed_harm_risk=fields.number(row, "missed_harm_risk", path=path),
        harm_points_max=fields.number(row, "harm_points_max", path=path),
        latency_points_max=fields.number(row, "latency_points_max", path=path),
        latency_ms_min=fields.number(row, "latency_ms_min", path=path),
        proof_time=fields.duration(row, "proof_time", path=path),
    )


def _bounds(rows: Any, field: str) -> list[tuple[float, ...]]:
    for row in rows if isinstance(rows, list) else [rows]:
        if not isinstance(row, list) or not all(isinstance(value, int | float) for value in row):
            raise InvalidEvent(field, "must be a list of lists of numbers")
    return [tuple(float(value) for value in row) for row in rows]
