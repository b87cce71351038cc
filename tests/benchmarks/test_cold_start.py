"""The table that a measurement writes into the page, what counts as full work, and the processors' clock."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from benchmarks import processor_time
from benchmarks.cold_start import PAGE, table, written
from benchmarks.verdicts_told import whole
from shared.analysis.evidence import Probe, ProbeOutcome
from shared.analysis.verdict import Health, Verdict
from shared.rollout.observations import Judged

SEEN = {
    ("image_pushed", "ignored"): [(0.16, 0.168), (0.2, 0.21), (0.17, 0.1785)],
    ("image_pushed", "matters"): [(0.16, 0.24), (0.2, 0.3), (0.17, 0.255)],
    ("notify", "matters"): [(0.1, 0.2), (0.1, 0.2), (0.1, 0.2)],
}
TABLE = """\
3 rounds; a bare function took 0.10 s to 0.20 s, 0.16 s mostly.

| function | ignored (target ≤ 1.1) | full work (target ≤ 1.9) |
|---|---|---|
| `image_pushed` | 1.05 | 1.50 |
| `notify` |  | **2.00** |"""


def test_medians_stand_by_function_and_what_misses_its_target_stands_out() -> None:
    assert table(SEEN) == TABLE


def test_the_page_keeps_what_is_around_the_table() -> None:
    page = PAGE.read_text()
    once = written(page, "one table")
    assert written(once, "another") == once.replace("one table", "another")
    assert once.partition("<!--")[0] == page.partition("<!--")[0]
    assert once.endswith(page.rpartition("-->")[2])


@pytest.mark.parametrize("page", ["", "<!-- end of cold start --> <!-- cold start -->", "<!-- cold start -->"])
def test_a_page_without_its_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="the page must have"):
        written(page, "text")


ANSWERED = Probe(revision="web-2", path="/", outcome=ProbeOutcome.PASSED, reason="")
FOUND = Verdict(health=Health.HEALTHY, reason="", canary_requests=9, baseline_requests=80)


@pytest.mark.parametrize(
    ("probes", "verdict", "expected"),
    [
        ((ANSWERED,), FOUND, True),
        ((), FOUND, False),
        ((ANSWERED._replace(outcome=ProbeOutcome.FAILED),), FOUND, False),
        ((ANSWERED,), None, False),
        ((ANSWERED,), FOUND._replace(health=Health.ERROR), False),
        ((ANSWERED,), FOUND._replace(canary_requests=0), False),
        ((ANSWERED,), FOUND._replace(baseline_requests=0), False),
    ],
)
def test_only_what_was_probed_measured_and_judged_is_full_work(
    probes: tuple[Probe, ...], verdict: Verdict | None, expected: bool
) -> None:
    judged = Judged(service="web", at=datetime.now(UTC), sequence=1, probes=probes, verdict=verdict)
    assert whole(judged) is expected


BUSY = "import time\nwhile time.process_time() < 0.2: pass\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the clock is Linux's")
def test_the_time_of_a_process_is_its_own_and_that_of_its_children() -> None:
    """Asleep they use none, however long they live."""
    child = f"{BUSY}print('done', flush=True)\ninput()"
    parent = f"import subprocess, sys\n{BUSY}subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used = processor_time.used(process.pid)
        process.communicate(b"\n")
    assert 0.4 <= used < 3
    assert processor_time.used(process.pid) == 0
