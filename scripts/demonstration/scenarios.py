"""The twelve deliveries, each a story with one expected end; either service plays eleven of them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scripts.demonstration.images import EARLIER_SCHEMA, Images
from scripts.demonstration.outcome import Different
from scripts.demonstration.stage import Pushed, Stage
from scripts.local_cloud.settings import REPOSITORY
from shared.rollout.announcement import Announcement
from shared.rollout.commands import Verb

PROMOTED = "rollout.promoted"
ROLLED_BACK = "rollout.rolled_back"
PROMOTION_SECONDS_MAX = 60.0
DECISION_SECONDS_MAX = 30.0
REPEATS = 3
NEW_WEB_SOCKETS = 10
MESSAGES = 20  # written before a migration, while it is on trial, and after it was taken back
LEFT_ALONE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How a scenario ended, as found in the system's own outputs. revision: whose bad answers are counted."""

    release: str
    outcome: str
    why: str
    seconds: float | None
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    number: int
    title: str
    play: Callable[[Stage], Finding]

    def possible_with(self, images: Images) -> bool:
        """Not every service can be told to turn bad while it runs, or has a database to migrate."""
        if self.play is alerted:
            return images.faults_at_run_time
        return self.play is not expanding or images.database is not None


def baseline(stage: Stage) -> None:
    """The first deployment: nothing to compare with, probes only."""
    pushed = stage.push("v1")
    news = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    stage.until_serving(news.details["revision"])


def good(stage: Stage) -> Finding:
    pushed = stage.push("v2")
    news = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    _check_shares(stage, pushed, news)
    stage.until_serving(news.details["revision"])
    return _finding(pushed, "promoted", news, pushed.at)


def failing(stage: Stage) -> Finding:
    pushed = stage.push("v3", error_rate=0.3)
    news = _rolled_back(stage, pushed, "unhealthy", within=DECISION_SECONDS_MAX)
    stage.bad = pushed
    stage.release_pin()
    return _finding(pushed, "rolled back", news, pushed.at)


def slow(stage: Stage) -> Finding:
    pushed = stage.push("v4", latency_ms=400)
    news = _rolled_back(stage, pushed, "unhealthy", within=DECISION_SECONDS_MAX)
    stage.release_pin()
    return _finding(pushed, "rolled back", news, pushed.at)


def never_starts(stage: Stage) -> Finding:
    before = stage.watch.service().serving
    pushed = stage.push("v5", listens=False)
    news = stage.until_end(pushed, "rollout.failed", within=DECISION_SECONDS_MAX)
    served = stage.served(news.details["revision"])
    if served:
        raise Different(f"a revision that never started served {served}")
    if stage.watch.service().serving != before:
        raise Different("traffic moved for a revision that never started")
    return _finding(pushed, "failed, no traffic", news, pushed.at)


def alerted(stage: Stage) -> Finding:
    pushed = stage.push("v6")
    promoted = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    heard = stage.watch.heard
    stage.screen.said("v6 turns bad after its promotion")
    at = stage.misbehave(promoted.details["revision"], error_rate=0.6)
    news = stage.watch.wait_for(ROLLED_BACK, within=DECISION_SECONDS_MAX, after=heard, digest=pushed.digest)
    _check_cause(news, "alert")
    stage.until_serving(news.details["target"])
    stage.release_pin()
    return _finding(pushed, "rolled back by alert", news, at)


def operated(stage: Stage) -> Finding:
    pushed = stage.push("v7")
    stage.until_first_share(pushed)
    at = stage.command(Verb.ROLLBACK, "customers in Lagos report lost messages")
    news = _rolled_back(stage, pushed, "rollback_command", within=DECISION_SECONDS_MAX)
    stage.release_pin()
    return _finding(pushed, "rolled back by hand", news, at)


def pushed_again(stage: Stage) -> Finding:
    if stage.bad is None:
        failing(stage)
    assert stage.bad is not None
    before = stage.watch.service().latest_created
    again = stage.push_command(f"{stage.bad.tag}-again", stage.bad.command)
    if again.digest != stage.bad.digest:
        raise Different("the same image got another digest")
    news = stage.watch.wait_for("deploy.refused", within=DECISION_SECONDS_MAX, after=again.heard, digest=again.digest)
    if stage.watch.service().latest_created != before:
        raise Different("a refused release got a revision")
    return Finding(
        release=again.name, outcome="refused", why=news.text, seconds=_seconds(news.at, again.at), revision=""
    )


def repeated(stage: Stage) -> Finding:
    pushed = stage.push("v8")
    stage.until_first_share(pushed)
    record, latest, said = stage.watch.record(), stage.watch.service().latest_created, stage.duplicates("canary_deploy")
    body = {"action": "INSERT", "digest": f"{REPOSITORY}@{pushed.digest}", "tag": f"{REPOSITORY}:{pushed.tag}"}
    for _ in range(REPEATS):
        stage.cloud.publish("gcr", json.dumps(body).encode(), {})
    stage.screen.said(f"the same message again, {REPEATS} times")
    _until(
        lambda: stage.duplicates("canary_deploy") >= said + REPEATS,
        f"not all of {REPEATS} repeats were taken for duplicates",
    )
    after = stage.watch.record()
    started = [news for news in stage.watch.announced(pushed.heard) if news.kind == "rollout.started"]
    if len(started) != 1 or stage.watch.service().latest_created != latest:
        raise Different(f"{len(started)} rollouts were started")
    if after.rollout is None or record.rollout is None or after.rollout.id != record.rollout.id:
        raise Different("the rollout under way was replaced")
    why = f"{REPEATS} repeats of one push: each a duplicate; one revision, one rollout."
    return Finding(release=pushed.name, outcome="nothing changed", why=why, seconds=None, revision=after.rollout.canary)


def edited_by_hand(stage: Stage) -> Finding:
    pushed = stage.on_trial("v8")
    heard = stage.watch.heard
    rollout = stage.watch.record().active
    assert rollout is not None
    by_hand = {rollout.stable: 70, rollout.canary: 30}
    stage.screen.said("somebody moves the traffic by hand to 70/30")
    at = stage.edit_traffic(by_hand)
    news = stage.watch.wait_for("traffic.edited", within=DECISION_SECONDS_MAX, after=heard)
    left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
    while time.monotonic() < left_alone_until:
        found = dict(stage.watch.service().serving)
        if found != by_hand:
            raise Different(f"the hand-made split was not left alone: {found}")
        time.sleep(0.2)
    stage.edit_traffic(stage.split())
    stage.watch.wait_for("traffic.restored", within=DECISION_SECONDS_MAX, after=heard)
    return _finding(pushed, "noticed, left alone", news, at, revision=rollout.canary)


def web_sockets(stage: Stage) -> Finding:
    """The old conversations see a promotion, new ones on the promoted release see it taken back."""
    before = stage.traffic.snapshot()["websockets"]
    pushed = stage.on_trial("v9")
    promoted = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    newcomers = stage.cloud.drive_traffic(
        requests_per_second=0, web_sockets=NEW_WEB_SOCKETS, web_socket_path=stage.images.web_socket_path
    )
    _until(lambda: newcomers.snapshot()["websockets"]["open"] == NEW_WEB_SOCKETS, "new WebSockets did not open")
    at = stage.command(Verb.ROLLBACK, "to show that conversations go on")
    news = _rolled_back(stage, pushed, "rollback_command", within=DECISION_SECONDS_MAX)
    time.sleep(LEFT_ALONE_SECONDS)
    old, new = stage.traffic.snapshot()["websockets"], newcomers.snapshot()["websockets"]
    if old["opened"] != before["opened"] or new["opened"] != NEW_WEB_SOCKETS:
        raise Different(f"WebSockets were cut: of the old {old}, of the new {new}")
    on_canary = new["revisions"].get(promoted.details["revision"], 0)
    if on_canary != NEW_WEB_SOCKETS:
        raise Different(f"{on_canary} of {NEW_WEB_SOCKETS} new WebSockets are on the release taken back")
    stage.release_pin()
    why = (
        f"{old['open']} WebSockets stayed open through its promotion, {new['open']} on the release itself "
        "through its rollback; none had to open anew."
    )
    return Finding(
        release=pushed.name,
        outcome="no socket cut",
        why=why,
        seconds=_seconds(news.at, at),
        revision=promoted.details["revision"],
    )


def migrating(stage: Stage) -> Finding:
    """No backup, no migration; and what earlier releases cannot follow is not taken back."""
    pushed = stage.push("v10-contract")
    waits = stage.watch.wait_for(
        "deploy.waiting", within=DECISION_SECONDS_MAX, after=pushed.heard, digest=pushed.digest
    )
    if "no verified export" not in waits.text:
        raise Different(f"it waits for something else: {waits.text}")
    time.sleep(LEFT_ALONE_SECONDS)
    if stage.watch.record().active:
        raise Different("it started without a backup")
    export = stage.verify_export()
    promoted = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    revision = promoted.details["revision"]
    heard, at = stage.watch.heard, stage.command(Verb.ROLLBACK, "to show that it is refused")
    refused = stage.watch.wait_for("rollback.refused", within=DECISION_SECONDS_MAX, after=heard)
    if dict(stage.watch.service().serving) != {revision: 100}:
        raise Different("traffic moved to a release that cannot run any more")
    why = f"It waited until {export} was verified. {refused.text}"
    return Finding(
        release=pushed.name,
        outcome="waited, stays",
        why=why,
        seconds=_seconds(refused.at, at),
        revision=revision,
    )


def expanding(stage: Stage) -> Finding:
    """The new release adds a table and a trigger while the old one serves and writes, and goes again without a loss."""
    stage.verify_export()
    _check_schema(stage, EARLIER_SCHEMA)
    stage.write_messages(MESSAGES)
    pushed = stage.push("v11-expand")
    stage.until_first_share(pushed)
    _check_schema(stage, EARLIER_SCHEMA, "0002-notifications")
    stage.write_messages(MESSAGES)  # to both releases, as the split has it
    promoted = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    at = stage.command(Verb.ROLLBACK, "to show that an expanding release can be taken back")
    news = _rolled_back(stage, pushed, "rollback_command", within=DECISION_SECONDS_MAX)
    stage.write_messages(MESSAGES)
    stage.release_pin()
    written = stage.rows("messages")
    told = stage.rows("notifications")
    if (written, told) != (3 * MESSAGES, 2 * MESSAGES):
        raise Different(
            f"of {3 * MESSAGES} messages {written} are kept, and of {2 * MESSAGES} new ones {told} are told"
        )
    why = (
        f"It added a table under the release of before; taken back, that one goes on. All {written} messages are kept, "
        f"the {told} since the migration in the new table too."
    )
    return Finding(
        release=pushed.name,
        outcome="migrated, taken back",
        why=why,
        seconds=_seconds(news.at, at),
        revision=promoted.details["revision"],
    )


SCENARIOS = tuple(
    Scenario(number=number, title=title, play=play)
    for number, (title, play) in enumerate(
        (
            ("a good release is promoted", good),
            ("a release with 5xx is rolled back", failing),
            ("a slow release is rolled back", slow),
            ("a release that never starts gets no traffic", never_starts),
            ("an alert after promotion rolls back", alerted),
            ("an operator rolls back", operated),
            ("a bad image pushed again is refused", pushed_again),
            ("the same message three times changes nothing", repeated),
            ("traffic edited by hand is left alone", edited_by_hand),
            ("WebSockets live through it all", web_sockets),
            ("a migration waits for a backup and stays", migrating),
            ("a migration that only adds is taken back", expanding),
        ),
        start=1,
    )
)


def _until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + DECISION_SECONDS_MAX
    while not true():
        if time.monotonic() > deadline:
            raise Different(otherwise)
        time.sleep(0.05)


def _check_schema(stage: Stage, *names: str) -> None:
    found = stage.query("SELECT name FROM schema_migrations ORDER BY name").split()
    if found != list(names):
        raise Different(f"the database is at {', '.join(found)} and not at {', '.join(names)}")


def _rolled_back(stage: Stage, pushed: Pushed, cause: str, *, within: float) -> Announcement:
    heard = pushed.heard
    news = stage.watch.wait_for(ROLLED_BACK, within=within, after=heard, digest=pushed.digest)
    _check_cause(news, cause)
    stage.until_serving(news.details["target"])
    return news


def _check_cause(news: Announcement, cause: str) -> None:
    if news.details["cause"] != cause:
        raise Different(f"rolled back for {news.details['cause']}, not for {cause}: {news.text}")


def _check_shares(stage: Stage, pushed: Pushed, promoted: Announcement) -> None:
    climbed = [
        news.details["percent"]
        for news in stage.watch.announced(pushed.heard)
        if news.kind == "rollout.advanced" and news.rollout_id == promoted.rollout_id
    ]
    wanted = [str(share) for share in (*stage.cloud.settings.strategy["steps"], 100)]
    if climbed != wanted:
        raise Different(f"it climbed over {', '.join(climbed)} % and not over {', '.join(wanted)} %")


def _finding(
    pushed: Pushed, outcome: str, news: Announcement, since: datetime, *, revision: str | None = None
) -> Finding:
    return Finding(
        release=pushed.name,
        outcome=outcome,
        why=news.text,
        seconds=_seconds(news.at, since),
        revision=news.details["revision"] if revision is None else revision,
    )


def _seconds(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds()
