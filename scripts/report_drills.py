"""Shows the newest restore drill of every database from the ledger; exit 1 where it failed, is old, or never was.

scripts/report_drills.py gs://pushnchat-production-ledger
scripts/report_drills.py gs://pushnchat-production-ledger --days 9
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.explanation.ledger import Source, source
from shared.backup.spans import in_words

_PREFIX = "drills/"
_ENDS = ("-passed.json", "-failed.json")


class Drill(NamedTuple):
    """How one restore ended. database: "instance/database"; recovery, loss: None where nothing was restored."""

    database: str
    started_at: datetime
    passed: bool
    recovery: timedelta | None
    loss: timedelta | None
    problems: tuple[str, ...]


def newest(ledger: Source) -> list[Drill]:
    """One for each database that was ever drilled."""
    last = {key.rpartition("/")[0]: key for key in sorted(ledger.keys(_PREFIX)) if key.endswith(_ENDS)}
    return sorted(_decoded(json.loads(ledger.read(key))) for key in last.values())


def _decoded(body: dict[str, Any]) -> Drill:
    return Drill(
        database=f"{body['instance']}/{body['database']}",
        started_at=datetime.fromisoformat(body["started_at"]),
        passed=body["passed"],
        recovery=timedelta(seconds=body["recovery_seconds"]) if body.get("rows_restored") else None,
        loss=timedelta(seconds=body["loss_seconds"]) if body.get("rows_restored") else None,
        problems=tuple(body["problems"]),
    )


def report(drills: list[Drill], now: datetime, age_max: timedelta) -> Iterator[str]:
    """In Markdown."""
    yield "| database | drilled | restored in | would have lost | outcome |"
    yield "|---|---|---|---|---|"
    for drill in drills:
        outcome = "passed" if drill.passed else f"FAILED: {' '.join(drill.problems)}"
        old = ", TOO LONG AGO" if now - drill.started_at > age_max else ""
        when = f"{drill.started_at:%Y-%m-%d %H:%M}{old}"
        yield f"| {drill.database} | {when} | {_words(drill.recovery)} | {_words(drill.loss)} | {outcome} |"


def _words(span: timedelta | None) -> str:
    return "unknown" if span is None else in_words(span)


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ledger", help="gs://BUCKET, or a folder it was downloaded to")
    parser.add_argument("--days", type=float, default=8.0, help="an older drill is told as one (default: 8)")
    options = parser.parse_args()
    drills, now, age_max = newest(source(options.ledger)), datetime.now(UTC), timedelta(days=options.days)
    if not drills:
        print("No restore drill was ever made.")
        return 1
    print("\n".join(report(drills, now, age_max)))
    good = all(drill.passed and now - drill.started_at <= age_max for drill in drills)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
