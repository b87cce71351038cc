"""How a story ended, and what every story checks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scripts.demonstration.outcome import Different
from scripts.demonstration.stage import Pushed, Stage
from shared.rollout.announcement import Announcement

PROMOTED = "rollout.promoted"
ROLLED_BACK = "rollout.rolled_back"
PROMOTION_SECONDS_MAX = 60.0
DECISION_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How a scenario ended, as found in the system's own outputs. revision: whose bad answers are counted."""

    release: str
    outcome: str
    why: str
    seconds: float | None
    revision: str


def until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + DECISION_SECONDS_MAX
    while not true():
        if time.monotonic() > deadline:
            raise Different(otherwise)
        time.sleep(0.05)


def rolled_back(stage: Stage, pushed: Pushed, cause: str, *, within: float) -> Announcement:
    heard = pushed.heard
    news = stage.watch.wait_for(ROLLED_BACK, within=within, after=heard, digest=pushed.digest)
    check_cause(news, cause)
    stage.until_serving(news.details["target"])
    return news


def check_cause(news: Announcement, cause: str) -> None:
    if news.details["cause"] != cause:
        raise Different(f"rolled back for {news.details['cause']}, not for {cause}: {news.text}")


def check_shares(stage: Stage, pushed: Pushed, promoted: Announcement) -> None:
    climbed = [
        news.details["percent"]
        for news in stage.watch.announced(pushed.heard)
        if news.kind == "rollout.advanced" and news.rollout_id == promoted.rollout_id
    ]
    wanted = [str(share) for share in (*stage.cloud.settings.strategy["steps"], 100)]
    if climbed != wanted:
        raise Different(f"it climbed over {', '.join(climbed)} % and not over {', '.join(wanted)} %")


def finding(
    pushed: Pushed, outcome: str, news: Announcement, since: datetime, *, revision: str | None = None
) -> Finding:
    return Finding(
        release=pushed.name,
        outcome=outcome,
        why=news.text,
        seconds=seconds_between(news.at, since),
        revision=news.details["revision"] if revision is None else revision,
    )


def seconds_between(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds()
