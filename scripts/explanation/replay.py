"""Judges recorded rollouts again, with this code and other settings, and says what would have been different.

    scripts/replay --ledger gs://pushnchat-production-ledger
    scripts/replay --ledger FOLDER --service web --harm-points-max 1 --false-rollback-risk 0.001

Every kept verdict is given again from the very question it answered. Under other settings, the moments at which each
share had its proof and harm was proved are compared too; what users would have sent after another decision nobody
knows, so the comparison ends where the first decision differs.

Exits 1 when anything differs, 2 when the ledger cannot be read.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from scripts.explanation.course import course, moments
from scripts.explanation.ledger import source
from scripts.explanation.story import Story, stories, story
from shared.analysis.judge import judge
from shared.analysis.proof import Risk
from shared.errors import InvalidEvent


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ledger", required=True, help="gs://BUCKET, or a folder it was downloaded to")
    parser.add_argument("--service", default="", help="only this service's rollouts")
    for name in Risk._fields:
        if name != "proof_time":
            parser.add_argument(f"--{name.replace('_', '-')}", type=_positive, help="instead of what was set")
    parser.add_argument("--proof-time-minutes", type=_positive, help="instead of what was set")
    options = vars(parser.parse_args())
    try:
        ledger = source(options["ledger"])
        found = [story(ledger, rollout) for rollout in stories(ledger, options["service"])]
    except (NotADirectoryError, InvalidEvent) as error:
        print(f"scripts/replay: {error}", file=sys.stderr)
        return 2
    changes = _changes(options)
    differing = 0
    for row in found:
        lines = list(differences(row, changes))
        differing += bool(lines)
        print(f"{row.rollout}: {row.outcome.replace('_', ' ')}; judged {len(row.verdicts)} times, ", end="")
        print("; ".join(lines) if lines else "nothing would have been different")
    print(f"\n{len(found)} rollouts, {differing} would have been different.")
    return 1 if differing else 0


def differences(found: Story, changes: dict[str, Any]) -> Iterator[str]:
    """changes: the fields of Risk that are set otherwise."""
    for kept in found.verdicts:
        now = judge(kept.question._replace(risk=kept.question.risk._replace(**changes)))
        if now.health is not kept.verdict.health:
            yield f"{kept.at:%H:%M:%S} {kept.verdict.health} would be {now.health}: {now.reason}"
    if changes and found.verdicts:
        recorded = dict(moments(course(found)))
        otherwise = dict(moments(course(found, found.verdicts[-1].question.risk._replace(**changes))))
        for name in dict.fromkeys([*recorded, *otherwise]):
            before, after = recorded.get(name), otherwise.get(name)
            if before != after:
                what = "harm proved" if name == "harm" else f"{name} proved healthy"
                yield f"{what} {_time(after)} instead of {_time(before)}"
                return


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return value


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    minutes = options.pop("proof_time_minutes")
    changes = {name: value for name in Risk._fields if (value := options.get(name))}
    return changes | ({"proof_time": timedelta(minutes=minutes)} if minutes else {})


def _time(at: datetime | None) -> str:
    return f"at {at:%H:%M:%S}" if at else "never"


if __name__ == "__main__":
    sys.exit(main())
