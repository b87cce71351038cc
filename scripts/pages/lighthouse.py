"""Lighthouse on slow 3G: a report to look at, and a second opinion on what the gate counts.

Only bytes and requests stop anything: times are those of this machine's processor too. Run by scripts/lighthouse.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scripts.pages.budgets import budgets
from shared.connectivity.budget import Budget, Mode
from shared.connectivity.lines import LINES

REPOSITORY = Path(__file__).parents[2]
PACKAGE = Path(__file__).parent / "node"
INSTALLED = REPOSITORY / "build" / "lighthouse"
BROWSERS = ("chromium", "google-chrome", "chromium-browser")
_LINE = next(line for line in LINES if line.name == "slow 3G")
_TIMES = ("first-contentful-paint", "largest-contentful-paint", "interactive")
_PHONE = 4  # times slower than this machine, as Lighthouse supposes by itself
_SECONDS_MAX = 300
_FLAGS = "--headless=new --no-sandbox --disable-dev-shm-usage --disable-gpu"


class Look(NamedTuple):
    """One run's figures, and the report for people. Seconds: computed by Lighthouse for the line and a slow phone."""

    bytes_received: int
    requests: int
    first_paint: float
    largest_paint: float
    interactive: float
    report: Path


def look_at(url: str, runs: int, directory: Path, chromium: str) -> Look:
    """The run that is in the middle by its largest paint. Raises CalledProcessError with Lighthouse's words."""
    program = _installed()
    directory.mkdir(parents=True, exist_ok=True)
    looks = [_once(program, url, directory / f"run-{number}", chromium) for number in range(1, runs + 1)]
    return sorted(looks, key=lambda look: look.largest_paint)[len(looks) // 2]


def read(result: Mapping[str, Any], report: Path) -> Look:
    """From Lighthouse's JSON. Raises ValueError when it could not load the page."""
    if failure := result.get("runtimeError"):
        raise ValueError(failure["message"])
    audits = result["audits"]
    asked = [row for row in audits["network-requests"]["details"]["items"] if row["url"].startswith("http")]
    paint, largest, interactive = (audits[name]["numericValue"] / 1000 for name in _TIMES)
    return Look(int(audits["total-byte-weight"]["numericValue"]), len(asked), paint, largest, interactive, report)


def problems(look: Look, budget: Budget) -> Iterator[str]:
    """Each limit of bytes and requests that is broken."""
    if look.bytes_received > budget.bytes_max:
        yield f"sends {look.bytes_received:,} bytes, {budget.bytes_max:,} are allowed"
    if look.requests > budget.requests_max:
        yield f"makes {look.requests} requests, {budget.requests_max} are allowed"


def _once(program: Path, url: str, path: Path, chromium: str) -> Look:
    command: Sequence[str] = (
        *("node", str(program), url, "--quiet", "--only-categories=performance", "--no-enable-error-reporting"),
        *("--output=json", "--output=html", f"--output-path={path}", f"--chrome-flags={_FLAGS}"),
        f"--throttling.rttMs={_LINE.round_trip_ms}",
        f"--throttling.throughputKbps={_LINE.bits_per_second / 1000:g}",
        f"--throttling.cpuSlowdownMultiplier={_PHONE}",
    )
    environment = {**os.environ, "CHROME_PATH": chromium}
    found = path.with_name(f"{path.name}.report.json")
    found.unlink(missing_ok=True)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_SECONDS_MAX)
    if not found.is_file():
        raise ValueError(done.stderr or done.stdout)
    return read(json.loads(found.read_text()), path.with_name(f"{path.name}.report.html"))


def _installed() -> Path:
    """Lighthouse's program, installed from the lock file unless it is already."""
    lock = INSTALLED / "package-lock.json"
    program = INSTALLED / "node_modules" / "lighthouse" / "cli" / "index.js"
    if not program.is_file() or lock.read_bytes() != (PACKAGE / lock.name).read_bytes():
        shutil.rmtree(INSTALLED, ignore_errors=True)
        shutil.copytree(PACKAGE, INSTALLED, ignore=shutil.ignore_patterns("node_modules"))
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=INSTALLED, check=True, capture_output=True, timeout=_SECONDS_MAX)
    return program


def main() -> int:
    """1 when bytes or requests break a budget, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="scripts/lighthouse", description=__doc__)
    parser.add_argument("url", help="the origin, such as http://127.0.0.1:3000")
    parser.add_argument("--route", action="append", help="with the usual budget; may be given again (default: /)")
    parser.add_argument("--environment", default="production", help="whose budgets (default: production)")
    parser.add_argument("--service", help="look at this service's routes with its budgets")
    parser.add_argument("--runs", type=int, default=3, help="of which the middle one counts (default: 3)")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build" / "pages", metavar="DIRECTORY")
    asked = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    lacks = "Chromium" if chromium is None else next((name for name in ("node", "npm") if not shutil.which(name)), "")
    if chromium is None or lacks:
        parser.error(f"{lacks} is not installed here")
    wanted = budgets(asked.service, asked.environment, asked.route)
    broken = 0
    for number, (route, budget) in enumerate(wanted.budgets.items(), 1):
        look = look_at(f"{asked.url.rstrip('/')}{route}", asked.runs, asked.output / f"route-{number}", chromium)
        print(f"{route} on {_LINE.name}, the middle one of {asked.runs} runs")
        print(f"  bytes           {look.bytes_received:>9,}  of {budget.bytes_max:,}")
        print(f"  requests        {look.requests:>9}  of {budget.requests_max}")
        for what, seconds in zip(("first paint", "largest paint", "interactive"), look[2:5], strict=True):
            print(f"  {f'{what}, s':<16}{seconds:>9.1f}")
        print(f"  report          {look.report}")
        for text in problems(look, budget):
            print(f"  broken  {text}")
            broken += 1
    print(f"Broken limits: {broken}." if broken else "Bytes and requests hold.")
    return 1 if broken and wanted.mode is Mode.BLOCK else 0


if __name__ == "__main__":
    sys.exit(main())
