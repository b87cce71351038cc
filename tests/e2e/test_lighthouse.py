"""The gate beside Lighthouse: two programs that share nothing count the same page."""

from pathlib import Path

import pytest

from scripts.pages.lighthouse import look_at, problems
from shared.adapters.probes import HttpProber
from shared.connectivity.budget import Budget
from tests.e2e.split import Split

RUNS = 3
HEAD = ("| who counts | bytes | requests |", "|---|---|---|")

pytestmark = pytest.mark.timeout(900)


def test_the_gates_bytes_are_lighthouses_within_one_percent(services: Split, chromium: str, results: Path) -> None:
    services.share(0)
    uri = services.plane.service_uri("frontend")
    page = HttpProber().load(uri, "/")
    look = look_at(f"{uri}/", RUNS, results / "lighthouse", chromium)
    rows = (("the gate", page.bytes_received, page.requests), ("Lighthouse", look.bytes_received, look.requests))
    table = "\n".join([*HEAD, *(f"| {who} | {size:,} | {asked} |" for who, size, asked in rows)])
    (results / "lighthouse.md").write_text(f"{table}\n")
    print(f"\n{table}\n{look.largest_paint:.1f} s to the largest paint; the report: {look.report}")
    assert page.bytes_received == pytest.approx(look.bytes_received, rel=0.01), table
    assert page.requests == look.requests, table
    assert list(problems(look, Budget())) == []
