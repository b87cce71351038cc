"""Estimates what an environment costs a month when nothing happens, and what one canary adds, from its configuration.

    scripts/estimate_costs.py production
    scripts/estimate_costs.py production --traffic 3     with so many requests a second to every service
    scripts/estimate_costs.py page [--check]             writes docs/reference/costs.md; with --check changes nothing

Prices are list prices in US dollars of November 2026, noted by hand: the page named beside a line is the authority.
They drift; what the estimate is good for is which line is large, and what a change of the configuration does to it.
Free tiers are taken off as if this were the account's only project.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.own_python import sentence

try:
    from scripts.configuration import environments
    from scripts.configuration.costs import prices
    from scripts.configuration.costs.automation import automation
    from scripts.configuration.costs.lines import Line
    from scripts.configuration.costs.releases import canary, registry
    from scripts.configuration.costs.serving import serving
    from scripts.configuration.declaration import Configuration
    from scripts.configuration.for_functions import delivery_environment
    from shared.config.environment import load_environment
except ImportError as error:
    sys.exit(sentence(error))

PAGE = environments.REPOSITORY / "docs" / "reference" / "costs.md"
_PAGE_TRAFFIC = {"dev": 0.0, "staging": 0.0, "production": 1.0}
_INTRODUCTION = """# What it costs

Estimated from each environment's configuration by `scripts/estimate_costs.py`, which also writes this page.
Prices are list prices of November 2026 in US dollars, noted by hand; the page beside each line is the authority.
Nothing here scales with releases but the last lines: a canary costs cents.

The automation scales to zero; only the tick runs when nothing happens.
What is kept warm is said in `scaling.instances_min`, and only production keeps anything.
"""


def report(found: Configuration, requests_per_second: float) -> str:
    """The whole estimate as text."""
    managed = load_environment(delivery_environment(found)).services
    parts: list[tuple[str, list[Line]]] = [
        ("The automation, a month", list(automation(found))),
        ("What it delivers, a month", list(serving(found, requests_per_second))),
        ("What all environments share, a month, once", list(registry(found))),
        *(
            (f"One canary of {name}", list(canary(service, managed[name].strategy, found.regions.serving)))
            for name, service in found.services.items()
        ),
    ]
    text = [f"{found.name}, US dollars at list price\n"]
    for title, lines in parts:
        text.append(f"{title}: {sum(line.dollars for line in lines):.2f}")
        text += [f"  {line.dollars:8.2f}  {line.what}: {line.how}\n            {line.source}" for line in lines]
        text.append("")
    return "\n".join(text)


def _regions() -> str:
    """What a region adds, as a table."""
    found = environments.read(environments.names()[0]).found
    if found is None:
        return ""
    rows = "".join(
        f"| {place} | `{region}` | {prices.run_factor(region):g} | {prices.other_factor(region):g} |\n"
        for place, region in (("serving", found.regions.serving), ("automation", found.regions.automation))
    )
    return f"""## What a region adds

Cloud Run has two price tiers, and its second costs {prices.RUN_TIER_2_FACTOR:g} times the first: {prices.RUN_TIERS}.
Databases and storage have no tiers but a price for every region; {prices.OTHER_FACTOR:g} is assumed, on the safe side.

| what is there | region | Cloud Run, times | databases and storage, times |
|---|---|---|---|
{rows}"""


def page() -> str:
    """docs/reference/costs.md. Raises ValueError for an environment that is not sound."""
    parts = [_INTRODUCTION, _regions()]
    for name in environments.names():
        found = environments.read(name).found
        if found is None:
            raise ValueError(f"{name} is not sound; see scripts/environments.py validate")
        traffic = _PAGE_TRAFFIC[name]
        parts.append(
            f"## {name}, {traffic:g} requests a second to each service\n\n```text\n{report(found, traffic)}```\n"
        )
    return "\n".join(parts)


def totals(found: Configuration, requests_per_second: float) -> tuple[float, float]:
    """Dollars a month: the automation, and with what it delivers."""
    alone = sum(line.dollars for line in automation(found))
    return alone, alone + sum(line.dollars for line in serving(found, requests_per_second))


def write_page(*, check: bool) -> int:
    """The exit code: 1 when --check found the page out of date."""
    text = page()
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    if check:
        print(f"out of date: {PAGE.relative_to(environments.REPOSITORY)}; run scripts/estimate_costs.py page")
        return 1
    PAGE.write_text(text)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 1 where the configuration is not sound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", choices=(*environments.names(), "page"))
    parser.add_argument("--traffic", type=float, default=0.0, help="requests a second to every service")
    parser.add_argument("--check", action="store_true", help="with page: change nothing; exit 1 if it is stale")
    options = parser.parse_args(arguments)
    if options.environment == "page":
        return write_page(check=options.check)
    found = environments.read(options.environment).found
    if found is None:
        print("not sound; see scripts/environments.py validate", file=sys.stderr)
        return 1
    print(report(found, options.traffic))
    return 0


if __name__ == "__main__":
    sys.exit(main())
