"""What a look costs: the time of one judgement of half a day, of one more minute, and of the import."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from benchmarks.judge.ours import MINUTE, STARTED, period
from benchmarks.judge.rollout import BEFORE
from benchmarks.judge.scenarios import Scenario
from benchmarks.judge.traffic import Minute, Traffic
from shared.analysis.evidence import History, Sample
from shared.analysis.judge import judge
from shared.analysis.proof import Risk
from shared.analysis.question import Question
from shared.analysis.trial import Trial

_HALF_A_DAY = 720
_TIMES = 9
# What the function that imports the judge has loaded before: how records and times are written everywhere.
_LOADED = "import dataclasses, datetime, enum, typing, collections.abc, collections, math, bisect, itertools, operator"


def history_of(before: list[Minute], during: list[Minute]) -> History:
    """The simulated minutes as the metrics would show them."""
    samples: dict[str, list[Sample]] = {"canary": [], "stable": []}
    for at, row in enumerate([*before, *during], start=-len(before)):
        end = STARTED + (at + 1) * MINUTE
        for name, requests, bad, latency in (
            ("canary", row.canary, row.canary_bad, row.latency),
            ("stable", row.stable, row.stable_bad, row.stable_latency),
        ):
            if requests:
                by_class = {"2xx": requests - bad, "5xx": bad}
                samples[name].append(Sample(end=end, requests_by_class=by_class, latency=latency))
    return History(
        sample_period=MINUTE,
        ingest_delay=timedelta(),
        settled_until=STARTED + len(during) * MINUTE,
        samples={name: tuple(rows) for name, rows in samples.items()},
    )


def asked(history: History, *, share: int, next_share: int) -> Question:
    """The question of a first step."""
    return Question(
        history=history,
        canary="canary",
        stable="stable",
        rollout_started=STARTED,
        step_started=STARTED,
        share=share,
        next_share=next_share,
    )


def look_ms() -> float:
    """One judgement from the whole history of a 12-hour step, milliseconds."""
    before, during = _minutes()
    history = history_of(before, during)

    def look() -> None:
        judge(asked(history, share=5, next_share=25))

    return _best_ms(look)


def minute_ms() -> float:
    """One more minute, where somebody keeps the Trial, as this benchmark does."""
    before, during = _minutes()
    rows = [period(at, row) for at, row in enumerate([*before, *during], start=-BEFORE)]

    def whole() -> None:
        trial = Trial(Risk(), MINUTE, STARTED)
        trial.begin_step(STARTED, 5, 25)
        for row in rows:
            trial.weigh(row)
            trial.standing  # noqa: B018  # what is timed

    return _best_ms(whole) / len(rows)


def import_ms() -> tuple[float, float]:
    """Over bare Python, and over one that has loaded what every function needs anyway; compiled, as in the image."""
    with TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        bare, loaded = _started_ms("pass", environment), _started_ms(_LOADED, environment)
        alone = _started_ms("import shared.analysis.judge", environment)
        added = _started_ms(f"{_LOADED}; import shared.analysis.judge", environment)
    return alone - bare, added - loaded


def _minutes() -> tuple[list[Minute], list[Minute]]:
    traffic = Traffic(Scenario(rate=5.0), np.random.default_rng(1))
    before = list(islice(traffic.minutes(-BEFORE, 0.0), BEFORE))
    return before, list(islice(traffic.minutes(0, 0.05), _HALF_A_DAY))


def _best_ms(work: Callable[[], None]) -> float:
    """What the benchmark itself holds is no part of it: the collector does not look through that meanwhile."""
    times = []
    gc.collect()
    gc.freeze()
    for _ in range(_TIMES):
        start = process_time()
        work()
        times.append(process_time() - start)
    gc.unfreeze()
    return 1000 * min(times)


def _started_ms(code: str, environment: dict[str, str]) -> float:
    """The processor's time, at best: other work on the machine is no part of it."""
    times, spent = [], _children_seconds()
    for _ in range(2 * _TIMES):
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        before, spent = spent, _children_seconds()
        times.append(spent - before)
    return 1000 * min(times)


def _children_seconds() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
