"""The connectivity gate from a shell: the same measuring and the same rules as before a canary's first traffic."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts.pages.budgets import budgets
from shared.adapters.probes import HttpProber
from shared.connectivity.budget import Budget, Mode
from shared.connectivity.gate import growth, problems
from shared.connectivity.lines import LINES, load_seconds
from shared.connectivity.page import Kind, Page


def main() -> int:
    """1 when a budget is broken, 2 for a wrong call."""
    asked = _arguments()
    wanted = budgets(asked.service, asked.environment, asked.route)
    prober = HttpProber()
    found = {route: prober.load(asked.url, route) for route in wanted.budgets}
    before = {route: prober.load(asked.against, route) for route in wanted.budgets} if asked.against else {}
    broken: list[str] = []
    for route, budget in wanted.budgets.items():
        page = found[route]
        _print(page, budget)
        grown = growth(page, before[route], budget) if route in before and page.resources else []
        wrong = problems(page, budget)
        for text in (*grown, *wrong):
            print(f"  {'broken' if text in wrong else 'grown '}  {text}")
        broken += wrong
    if asked.json:
        asked.json.write_text(json.dumps({route: _facts(page) for route, page in found.items()}, indent=2) + "\n")
    if asked.picture:
        from scripts.pages.picture import draw

        draw(found, wanted.budgets, asked.picture)
    print(f"Broken limits: {len(broken)}." if broken else "Every budget holds.")
    return 1 if broken and wanted.mode is Mode.BLOCK else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/measure_pages", description=__doc__)
    parser.add_argument("url", help="the origin, such as http://127.0.0.1:3000")
    parser.add_argument("--route", action="append", help="with the usual budget; may be given again (default: /)")
    parser.add_argument("--environment", default="production", help="whose budgets (default: production)")
    parser.add_argument("--service", help="measure this service's routes with its budgets")
    parser.add_argument("--against", metavar="URL", help="another release, to say what grew")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them as an SVG")
    asked = parser.parse_args()
    for url in filter(None, (asked.url, asked.against)):
        if urlsplit(url).scheme not in ("http", "https") or urlsplit(url).path.strip("/"):
            parser.error(f"{url}: must be an origin, http://host:port")
    return asked


def _print(page: Page, budget: Budget) -> None:
    print(f"{page.path}")
    if not page.resources:
        return
    rows: list[tuple[str, str, str]] = [
        ("bytes", f"{page.bytes_received:,}", f"{budget.bytes_max:,}"),
        ("  of HTML", f"{page.bytes_of(Kind.HTML):,}", f"{budget.html_bytes_max:,}"),
        ("  of scripts", f"{page.bytes_of(Kind.SCRIPT):,}", f"{budget.script_bytes_max:,}"),
        ("requests", f"{page.requests}", f"{budget.requests_max}"),
        ("first byte, ms", f"{page.ttfb_ms:.0f}", f"{budget.ttfb_ms_max:.0f}"),
    ]
    for line in LINES:
        most = budget.load_seconds_max.get(line.name)
        rows.append((f"on {line.name}, s", f"{load_seconds(page, line):.1f}", f"{most:g}" if most else ""))
    for what, figure, limit in rows:
        print(f"  {what:<16}{figure:>9}{f'  of {limit}' if limit else ''}")


def _facts(page: Page) -> dict[str, Any]:
    return {
        "failure": page.failure or (f"sends on to {page.location}" if page.location else ""),
        "bytes": page.bytes_received,
        "requests": page.requests,
        "ttfb_ms": page.ttfb_ms,
        "load_seconds": {line.name: round(load_seconds(page, line), 1) for line in LINES},
        "resources": [row._asdict() for row in page.resources],
        "foreign": list(page.foreign),
    }


if __name__ == "__main__":
    sys.exit(main())
