"""The twelve deliveries, each a story with one expected end; either service plays eleven of them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from scripts.demonstration.findings import (
    DECISION_SECONDS_MAX,
    PROMOTED,
    PROMOTION_SECONDS_MAX,
    ROLLED_BACK,
    Finding,
    check_cause,
    check_shares,
    finding,
    rolled_back,
    seconds_between,
    until,
)
from scripts.demonstration.images import Images
from scripts.demonstration.migrations import expanding, migrating
from scripts.demonstration.outcome import Different
from scripts.demonstration.stage import Stage
from scripts.local_cloud.settings import REPOSITORY
from shared.rollout.commands import Verb

REPEATS = 3
NEW_WEB_SOCKETS = 10
LEFT_ALONE_SECONDS = 3.0


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
    check_shares(stage, pushed, news)
    stage.until_serving(news.details["revision"])
    return finding(pushed, "promoted", news, pushed.at)


def failing(stage: Stage) -> Finding:
    pushed = stage.push("v3", error_rate=0.3)
    news = rolled_back(stage, pushed, "unhealthy", within=DECISION_SECONDS_MAX)
    stage.bad = pushed
    stage.release_pin()
    return finding(pushed, "rolled back", news, pushed.at)


def slow(stage: Stage) -> Finding:
    pushed = stage.push("v4", latency_ms=400)
    news = rolled_back(stage, pushed, "unhealthy", within=DECISION_SECONDS_MAX)
    stage.release_pin()
    return finding(pushed, "rolled back", news, pushed.at)


def never_starts(stage: Stage) -> Finding:
    before = stage.watch.service().serving
    pushed = stage.push("v5", listens=False)
    news = stage.until_end(pushed, "rollout.failed", within=DECISION_SECONDS_MAX)
    served = stage.served(news.details["revision"])
    if served:
        raise Different(f"a revision that never started served {served}")
    if stage.watch.service().serving != before:
        raise Different("traffic moved for a revision that never started")
    return finding(pushed, "failed, no traffic", news, pushed.at)


def alerted(stage: Stage) -> Finding:
    pushed = stage.push("v6")
    promoted = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    heard = stage.watch.heard
    stage.screen.said("v6 turns bad after its promotion")
    at = stage.misbehave(promoted.details["revision"], error_rate=0.6)
    news = stage.watch.wait_for(ROLLED_BACK, within=DECISION_SECONDS_MAX, after=heard, digest=pushed.digest)
    check_cause(news, "alert")
    stage.until_serving(news.details["target"])
    stage.release_pin()
    return finding(pushed, "rolled back by alert", news, at)


def operated(stage: Stage) -> Finding:
    pushed = stage.push("v7")
    stage.until_first_share(pushed)
    at = stage.command(Verb.ROLLBACK, "customers in Lagos report lost messages")
    news = rolled_back(stage, pushed, "rollback_command", within=DECISION_SECONDS_MAX)
    stage.release_pin()
    return finding(pushed, "rolled back by hand", news, at)


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
        release=again.name, outcome="refused", why=news.text, seconds=seconds_between(news.at, again.at), revision=""
    )


def repeated(stage: Stage) -> Finding:
    pushed = stage.push("v8")
    stage.until_first_share(pushed)
    record, latest, said = stage.watch.record(), stage.watch.service().latest_created, stage.duplicates("canary_deploy")
    body = {"action": "INSERT", "digest": f"{REPOSITORY}@{pushed.digest}", "tag": f"{REPOSITORY}:{pushed.tag}"}
    for _ in range(REPEATS):
        stage.cloud.publish("gcr", json.dumps(body).encode(), {})
    stage.screen.said(f"the same message again, {REPEATS} times")
    until(
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
    return finding(pushed, "noticed, left alone", news, at, revision=rollout.canary)


def web_sockets(stage: Stage) -> Finding:
    """The old conversations see a promotion, new ones on the promoted release see it taken back."""
    before = stage.traffic.snapshot()["websockets"]
    pushed = stage.on_trial("v9")
    promoted = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    newcomers = stage.cloud.drive_traffic(
        requests_per_second=0, web_sockets=NEW_WEB_SOCKETS, web_socket_path=stage.images.web_socket_path
    )
    until(lambda: newcomers.snapshot()["websockets"]["open"] == NEW_WEB_SOCKETS, "new WebSockets did not open")
    at = stage.command(Verb.ROLLBACK, "to show that conversations go on")
    news = rolled_back(stage, pushed, "rollback_command", within=DECISION_SECONDS_MAX)
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
        seconds=seconds_between(news.at, at),
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
