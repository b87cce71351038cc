"""People on 2G: real Chromium on a line that is far, slow and loses packets, beside what the gate computes for it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page

from scripts.lossy_line.line import ORIGIN, LossyLine
from scripts.pages.picture import draw
from shared.adapters.probes import HttpProber
from shared.connectivity.budget import Budget
from shared.connectivity.lines import LINES, Line, load_seconds
from tests.e2e.split import Split
from tests.e2e.talks import CONNECTED
from tests.local_cloud.waiting import wait_until

VISITS = 3  # to each line; which packets are lost is chance, and the median is told
WITHIN = 0.4  # of what is computed: busy cores read the scripts more slowly than a phone has to wait for them
MOST_MS = 90_000
_TIMES = """() => {
  const [page] = performance.getEntriesByType("navigation"), [paint] = performance.getEntriesByType("paint");
  return [paint.startTime, page.loadEventEnd];
}"""

pytestmark = pytest.mark.timeout(1200)


class Visits(NamedTuple):
    """Seconds, the median of each. lost: packets on the way to the visitor in all of the visits."""

    line: Line
    paint: float
    load: float
    computed: float
    lost: int

    def __str__(self) -> str:
        return f"| {self.line.name} | {self.load:.1f} | {self.computed:.1f} | {self.paint:.1f} | {self.lost} |"


HEAD = ("| line | loaded, s | computed, s | first paint, s | packets lost |", "|---|---|---|---|---|")


@contextmanager
def somebody(browser: Browser) -> Iterator[Page]:
    """Who was never here before."""
    with browser.new_context(viewport={"width": 390, "height": 640}) as context:
        page = context.new_page()
        page.set_default_timeout(MOST_MS)
        yield page


def times(browser: Browser) -> tuple[float, float]:
    with somebody(browser) as page:
        page.goto(ORIGIN, wait_until="load")
        wait_until(lambda: page.evaluate(_TIMES)[1] > 0)
        paint, load = page.evaluate(_TIMES)
    return paint / 1000, load / 1000


def test_a_first_visit_takes_about_as_long_as_is_computed(
    services: Split, line: LossyLine, far_browser: Browser, results: Path
) -> None:
    services.share(0)
    line.lead_to(services.without)
    found = HttpProber().load(services.without, "/")
    rows = []
    for kind in LINES:
        line.become(kind)
        before = line.counts()["down"].get("lost", 0)
        paints, loads = zip(*(times(far_browser) for _ in range(VISITS)), strict=True)
        lost = line.counts()["down"].get("lost", 0) - before
        rows.append(Visits(kind, median(paints), median(loads), load_seconds(found, kind), lost))
    table = "\n".join([*HEAD, *map(str, rows)])
    print(f"\n{found.bytes_received:,} bytes in {found.requests} requests, {VISITS} visits to each line\n{table}")
    (results / "lossy_line.md").write_text(f"{table}\n")
    (results / "lossy_line.json").write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")
    measured = {row.line.name: row.load for row in rows}
    draw({"/": found}, {"/": Budget()}, results / "lossy_line.svg", {"/": measured})
    for row in rows:
        assert row.load == pytest.approx(row.computed, rel=WITHIN), table


def kept(services: Split, text: str) -> int:
    """How often the backend has it."""
    messages = requests.get(f"{services.without}/rooms/lobby/messages", timeout=5).json()["messages"]
    return sum(message["text"] == text for message in messages)


def shown(page: Page, text: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=text)


@pytest.mark.parametrize("dark", ["some seconds", "longer than a request is waited for"])
def test_what_is_written_and_said_while_the_line_is_down_arrives_once_when_it_is_back(
    services: Split, line: LossyLine, far_browser: Browser, dark: str
) -> None:
    mine, theirs = f"written in the dark for {dark}", f"said meanwhile, {dark}"
    services.share(0)
    line.become(LINES[1])
    line.lead_to(services.without)
    with somebody(far_browser) as page:
        page.goto(ORIGIN)
        page.wait_for_function(CONNECTED)
        page.get_by_label("Your name").fill("Amina")
        page.get_by_label("Message").fill(mine)
        line.cut()
        try:
            if dark == "some seconds":
                sent = line.counts()["up"].get("cut", 0)
                page.get_by_role("button").click()
                wait_until(lambda: line.counts()["up"].get("cut", 0) >= sent + 3)  # sent, and sent again
            else:
                with page.expect_event("requestfailed"):
                    page.get_by_role("button").click()
            word = {"author": "Chidi", "text": theirs, "key": f"chidi {dark}"}
            said = requests.post(f"{services.without}/rooms/lobby/messages", json=word, timeout=5)
            assert said.status_code == 201, said.text
            assert shown(page, mine).get_attribute("data-waiting") == ""
            assert (kept(services, mine), shown(page, theirs).count()) == (0, 0)
        finally:
            line.mend()
        shown(page, theirs).wait_for()
        page.locator("li:not([data-waiting])").filter(has_text=mine).wait_for()
        assert (kept(services, mine), shown(page, mine).count(), shown(page, theirs).count()) == (1, 1, 1)
