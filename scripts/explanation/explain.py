"""Tells one rollout from the ledger and draws its evidence.

    scripts/explain web-3f2c1a9b04de-20260302081500 --ledger gs://pushnchat-production-ledger
    scripts/explain --ledger FOLDER            the rollouts there are

The picture is written to ROLLOUT.svg unless --picture names another file.
"""

import argparse
import sys
from pathlib import Path

from scripts.explanation.course import course
from scripts.explanation.ledger import source
from scripts.explanation.picture import draw
from scripts.explanation.story import Story, UnknownRollout, stories, story
from shared.errors import InvalidEvent


def main() -> int:
    """The exit code: 2 for a ledger or a rollout that is not there."""
    parser = argparse.ArgumentParser(
        prog="scripts/explain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rollout", nargs="?", help="its id; without one, the ids there are")
    parser.add_argument("--ledger", required=True, help="gs://BUCKET, or a folder it was downloaded to")
    parser.add_argument("--picture", type=Path, help="the SVG to write")
    options = parser.parse_args()
    try:
        ledger = source(options.ledger)
        if not options.rollout:
            print("\n".join(stories(ledger)) or "No rollout has verdicts in this ledger.")
            return 0
        found = story(ledger, options.rollout)
    except (NotADirectoryError, UnknownRollout, InvalidEvent) as error:
        print(f"scripts/explain: {error}", file=sys.stderr)
        return 2
    print("\n".join(told(found)))
    looks = course(found)
    if looks:
        path = options.picture or Path(f"{found.rollout}.svg")
        draw(found, looks, path)
        print(f"\nThe evidence is drawn in {path}.")
    else:
        print("\nNo verdict on users' requests was kept: there is nothing to draw.")
    return 0


def told(found: Story) -> list[str]:
    """The story in lines: what was decided, and between, what the judge said, where it changed its mind."""
    rows = [(item.at, 1, f"{item.kind.partition('.')[2].replace('_', ' ')}: {item.text}") for item in found.news]
    before = None
    for kept in found.verdicts:
        said = (kept.step, kept.verdict.health)
        if said != before:
            rows.append((kept.at, 0, f"  {kept.verdict.health} at {kept.question.share} %: {kept.verdict.reason}"))
        before = said
    lines = [f"{at:%H:%M:%S}  {text}" for at, _, text in sorted(rows, key=lambda row: row[:2])]
    first = min((at for at, _, _ in rows), default=None)
    day = f", {first:%d %B %Y}, times in UTC" if first else ""
    return [f"{found.rollout} on {found.service}: {found.outcome.replace('_', ' ')}{day}", "", *lines]


if __name__ == "__main__":
    sys.exit(main())
