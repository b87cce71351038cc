"""Whole deliveries through the real handlers: every message, in the order the topics carry them."""

import json
from dataclasses import replace

import pytest

from shared.analysis.judge import judge
from shared.errors import Conflict, InvalidEvent, Unavailable
from shared.events import verdict
from shared.events.message import Message
from shared.rollout import codec
from shared.rollout.record import Record
from shared.rollout.service import TrafficTarget
from tests.fakes import IMAGE, NOW
from tests.functions.world import MINUTE, World, deployed, digest, handler

STABLE = "web-00001-aaa"


def test_a_good_release_goes_from_push_to_promotion() -> None:
    world = deployed()
    world.push("b")
    assert world.cloud.services.percents("web") == {STABLE: 100}
    world.ready()
    world.tick()
    assert world.cloud.services.percents("web") == {STABLE: 95, world.canary: 5}
    world.until("promoted")
    assert world.cloud.services.percents("web") == {world.canary: 100}
    assert [write.kind for write in world.cloud.services.writes].count("start") == 1
    told = [key.rpartition("-")[2] for key in sorted(world.cloud.ledger.objects) if key.startswith("services/")]
    assert told == ["rollout.started.json", *["rollout.advanced.json"] * 5, "rollout.promoted.json"]


def test_a_bad_release_is_rolled_back_by_auto_rollback_and_its_re_push_refused() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.until("rolled_back", canary_bad=0.5)
    assert world.cloud.services.percents("web") == {STABLE: 100}
    assert any(line.startswith("auto_rollback: rollout.rolled_back") for line in world.said)
    world.cloud.clock.pass_(MINUTE)
    assert any("is refused" in line for line in world.push("b"))


def test_the_ledger_keeps_what_every_move_rests_on_and_it_can_be_judged_again() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.until("rolled_back", canary_bad=0.5)
    kept = {key: entry for key, entry in world.cloud.ledger.objects.items() if key.startswith("evidence/")}
    last = kept[max(kept)]
    message = Message(id="1", topic="verdicts", published_at=NOW, data=last, attributes={})
    question, judged = verdict.parse_question(message), verdict.parse(message)
    assert question is not None
    assert max(kept).endswith("-step0-unhealthy.json")
    assert judge(question) == judged.verdict
    assert handler("notify")(message, world.cloud).startswith("duplicate")


def test_a_rollback_is_one_read_and_one_write() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.cloud.clock.pass_(MINUTE)
    services = world.cloud.services
    reads, writes = services.reads, len(services.writes)
    world.alert()
    assert (services.reads - reads, len(services.writes) - writes) == (1, 1)
    assert services.percents("web") == {STABLE: 100}


def test_the_same_message_three_times_changes_nothing_more() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.cloud.clock.pass_(MINUTE)
    world.command("rollback")
    writes = len(world.cloud.services.writes)
    for _ in range(2):
        world.command("rollback")
        world.push("b")
    world.push("b")
    assert len([write for write in world.cloud.services.writes[writes:] if write.kind == "start"]) == 0
    assert world.cloud.services.percents("web") == {STABLE: 100}


def test_a_lost_race_is_decided_again_on_fresh_state() -> None:
    world = deployed()
    world.cloud.services.conflicts = 3
    world.push("b")
    assert len(world.cloud.services.writes) == 1


def test_too_many_lost_races_go_back_to_pubsub() -> None:
    world = deployed()
    world.cloud.services.conflicts = 99
    with pytest.raises(Conflict):
        world.push("b")


def test_an_announcement_that_could_not_be_published_is_told_by_a_later_tick() -> None:
    world = deployed()
    request = _deploy_request(world)
    world.cloud.messages.down = True
    with pytest.raises(Unavailable):
        handler("canary_deploy")(request, world.cloud)
    world.cloud.messages.down = False
    assert world.record.outbox
    world.tick(5 * MINUTE)
    assert "services/web/000001-20261123T120000.000Z-rollout.started.json" in world.cloud.ledger.objects
    world.tick()
    assert world.record.outbox == ()


def _deploy_request(world: World) -> Message:
    body = {"action": "INSERT", "digest": f"{IMAGE}@{digest('b')}", "tag": f"{IMAGE}:v1"}
    handler("image_pushed")(Message(id="1", topic="gcr", published_at=NOW, data=json.dumps(body).encode()), world.cloud)
    item = world.cloud.messages.on("deploy-requests")[0]
    world.delivered = len(world.cloud.messages.published)
    return Message(id="2", topic="deploy-requests", published_at=NOW, data=item.data, attributes=item.attributes)


def test_traffic_edited_by_hand_is_noticed_left_alone_and_given_back() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    row = world.cloud.services.rows["web"]
    by_hand = (TrafficTarget(revision=STABLE, percent=60), TrafficTarget(revision=world.canary, percent=40))
    world.cloud.services.rows["web"] = replace(row, traffic=by_hand, etag="by-hand-7")
    world.cloud.services.rows["web"] = replace(world.cloud.services.rows["web"], etag="77")
    world.tick()
    assert world.record.edited
    assert world.cloud.services.percents("web") == {STABLE: 60, world.canary: 40}
    world.cloud.clock.pass_(MINUTE)
    world.command("resume")
    assert world.cloud.services.percents("web") == {STABLE: 95, world.canary: 5}


def test_an_end_that_asks_for_what_somebody_set_by_hand_leaves_nothing_in_their_hands() -> None:
    """An abort sent before the hand-made split leaves it alone, and it is just the split that the abort asks for."""
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    sent_at = world.cloud.clock.now()
    for _ in range(4):
        world.tick()
    row = world.cloud.services.rows["web"]
    tags = tuple(target for target in row.traffic if not target.percent)
    by_hand = (TrafficTarget(revision=STABLE, percent=100), *tags)
    world.cloud.services.rows["web"] = replace(row, traffic=by_hand, etag="77")
    world.tick()
    assert world.record.edited
    body = {"command": "abort", "service": "web", "by": "amina", "why": "a reason", "request_id": "r1"}
    late = Message(
        id="late",
        topic="commands",
        published_at=sent_at,
        data=json.dumps(body).encode(),
        attributes={"command": "abort", "service": "web"},
    )
    assert handler("auto_rollback")(late, world.cloud).startswith("rollout.aborted")
    world.deliver()
    assert not world.record.edited
    assert "canary" not in world.cloud.services.rows["web"].tagged
    told = [json.loads(item.data)["kind"] for item in world.cloud.messages.published if item.topic == "rollout-events"]
    assert told[-2:] == ["rollout.aborted", "traffic.restored"]
    ended = world.cloud.services.rows["web"]
    assert handler("auto_rollback")(late, world.cloud).startswith("duplicate")
    assert world.cloud.services.rows["web"] == ended


def test_an_older_record_put_back_by_terraform_is_restored_from_the_ledger() -> None:
    world = deployed()
    world.push("b")
    old = world.cloud.services.rows["web"]
    world.ready()
    world.tick()
    world.cloud.services.rows["web"] = replace(
        world.cloud.services.rows["web"], record=old.record, traffic=old.traffic, etag="99"
    )
    world.tick()
    assert any("record_restored" in line for line in world.said)
    assert world.cloud.services.percents("web") == {STABLE: 95, world.canary: 5}


def test_a_service_that_lost_its_record_gets_it_back() -> None:
    world = deployed()
    untouched = world.cloud.services.rows["web"]
    world.push("b")
    world.ready()
    world.tick()
    world.cloud.services.rows["web"] = replace(
        world.cloud.services.rows["web"], record="", traffic=untouched.traffic, etag="99"
    )
    world.tick()
    assert any("record_restored" in line for line in world.said)
    assert world.cloud.services.percents("web") == {STABLE: 95, world.canary: 5}


def test_a_command_is_taken_on_the_newest_record_not_on_the_old_copy_somebody_wrote() -> None:
    world = deployed()
    world.push("b")
    old = world.cloud.services.rows["web"]
    world.ready()
    world.tick()
    world.cloud.services.rows["web"] = replace(
        world.cloud.services.rows["web"], record=old.record, traffic=old.traffic, etag="99"
    )
    world.cloud.clock.pass_(MINUTE)
    world.command("pause")
    assert world.record.rollout
    assert (world.record.rollout.effective_phase, world.record.rollout.phase) == ("progressing", "held")


def test_a_rollback_on_an_old_copy_acts_at_once_and_survives_the_restoration() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    old = world.cloud.services.rows["web"]
    world.cloud.clock.pass_(MINUTE)
    world.command("pause", request_id="r1")
    world.command("resume", request_id="r2")
    world.cloud.services.rows["web"] = replace(
        world.cloud.services.rows["web"], record=old.record, traffic=old.traffic, etag="99"
    )
    reads = world.cloud.services.reads
    assert "rolled_back" in world.command("rollback", request_id="r3")[0]
    assert world.cloud.services.reads == reads + 1
    world.tick()
    assert any("record_restored" in line for line in world.said)
    assert world.record.pin
    assert world.cloud.services.percents("web") == {STABLE: 100}


def test_a_rollback_on_an_old_copy_outlives_a_younger_copy_of_the_same_number() -> None:
    """Two applies, one with a record from before the rollback that has the number the rollback took."""
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    old = world.cloud.services.rows["web"]
    world.tick()
    younger = world.cloud.services.rows["web"]
    assert codec.decode(younger.record).sequence == codec.decode(old.record).sequence + 1
    world.cloud.services.rows["web"] = replace(younger, record=old.record, traffic=old.traffic, etag="98")
    world.cloud.clock.pass_(MINUTE)
    world.command("rollback")
    rolled_back = world.cloud.services.rows["web"]
    assert world.record.sequence == codec.decode(younger.record).sequence
    world.cloud.services.rows["web"] = replace(rolled_back, record=younger.record, traffic=younger.traffic, etag="99")
    world.tick()
    assert any("record_restored" in line for line in world.said)
    assert world.record.pin
    assert world.cloud.services.percents("web") == {STABLE: 100}


def test_a_service_made_anew_under_an_old_name_is_not_taken_for_one_that_went_back() -> None:
    world = deployed()
    gone = codec.encode(Record(service="web", sequence=41, stable="web-00009-old"))
    entry = json.dumps({"record": gone}).encode()
    world.cloud.ledger.append("services/web/000041-20261122T120000Z-rollout.promoted.json", entry)
    world.push("b")
    assert world.record.sequence == 42
    assert not any("record_restored" in line for line in world.tick())


def test_a_metrics_outage_holds_and_never_blames() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.cloud.metrics.down = True
    world.tick()
    assert world.record.rollout
    assert world.record.rollout.phase == "held"
    world.cloud.metrics.down = False
    world.until("promoted")


def test_a_revision_that_never_starts_gets_no_traffic() -> None:
    world = deployed()
    world.push("b")
    world.cloud.services.fail(world.canary, "the container exited with 1")
    world.tick()
    assert world.record.rollout
    assert world.record.rollout.phase == "failed"
    assert world.cloud.services.percents("web") == {STABLE: 100}


def test_a_first_deployment_replaces_a_placeholder_after_its_probes() -> None:
    world = World()
    world.cloud.services.add("web", "us-docker.pkg.dev/cloudrun/container/hello")
    world.push("a")
    world.ready()
    world.tick()
    assert world.cloud.services.percents("web") == {world.canary: 100}


def test_a_canary_whose_probes_fail_meets_no_user() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.cloud.prober.failing.add(world.canary)
    for _ in range(15):
        world.tick()
    assert world.record.rollout
    assert world.record.rollout.phase == "rolled_back"
    assert all(
        world.canary not in {row.revision for row in w.traffic if row.percent} for w in world.cloud.services.writes
    )


def test_a_stable_that_stops_answering_takes_the_way_back_away() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.cloud.prober.failing.add(STABLE)
    world.tick()
    assert world.record.target == ""
    assert world.record.rollout
    assert world.record.rollout.phase == "held"


def three_releases() -> tuple[World, list[str]]:
    """A canary c at its first share; b, promoted before it, is stable, and a was stable before b."""
    world = deployed()
    for letter in "bc":
        world.push(letter)
        world.ready()
        world.tick()
        if letter == "b":
            world.until("promoted")
            world.cloud.clock.pass_(MINUTE)
    return world, [STABLE, world.record.stable, world.canary]


def test_the_way_back_is_a_revision_that_was_asked_and_answered() -> None:
    world, [first, stable, canary] = three_releases()
    world.tick()
    assert (world.record.target, world.record.standby) == (stable, first)
    tags = {row.tag: row.revision for row in world.cloud.services.rows["web"].traffic if row.tag}
    assert tags == {"stable": stable, "standby": first, "canary": canary}
    world.cloud.prober.failing.add(stable)
    world.tick()
    assert world.record.target == first
    assert first in {revision for _, revision, _ in world.cloud.prober.probed}
    world.command("rollback")
    assert world.cloud.services.percents("web") == {first: 100}


def test_a_revision_that_does_not_answer_is_no_way_back_although_it_is_ready() -> None:
    world, [first, stable, _] = three_releases()
    world.cloud.prober.failing |= {first, stable}
    for _ in range(4):
        world.tick()
        assert world.record.target == ""
    assert world.record.rollout
    assert world.record.rollout.phase == "held"
    assert {first, stable} <= {row[1] for row in world.cloud.prober.probed}
    world.cloud.prober.failing.discard(first)
    world.tick()
    assert world.record.target == first


def test_after_a_promotion_the_next_one_takes_its_turn_when_the_way_back_falls_silent() -> None:
    world, [first, stable, _] = three_releases()
    world.until("promoted")
    assert (world.record.target, world.record.standby) == (stable, first)
    world.cloud.prober.failing.add(stable)
    world.tick()
    assert world.record.target == first
    world.cloud.prober.failing.add(first)
    world.tick()
    assert world.record.target == ""
    world.cloud.prober.failing.discard(stable)
    for _ in range(3):
        world.tick()
    assert world.record.target == stable


def test_a_revision_that_is_gone_gets_no_tag() -> None:
    world, [first, stable, canary] = three_releases()
    del world.cloud.services.revisions[first]
    world.tick()
    tags = {row.tag: row.revision for row in world.cloud.services.rows["web"].traffic if row.tag}
    assert tags == {"stable": stable, "canary": canary}


def test_session_affinity_is_read_with_the_service_that_a_changed_variable_made_a_revision_of() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.until("promoted")
    services = world.cloud.services
    services.revisions["web-00009-cfg"] = replace(services.revisions[world.canary], name="web-00009-cfg")
    services.rows["web"] = replace(services.rows["web"], latest_created="web-00009-cfg", session_affinity=True)
    assert any("Session affinity is on" in line for line in world.tick())


def test_a_changed_variable_is_canaried_like_code() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.until("promoted")
    services = world.cloud.services
    services.revisions["web-00009-cfg"] = replace(services.revisions[world.canary], name="web-00009-cfg")
    services.rows["web"] = replace(services.rows["web"], latest_created="web-00009-cfg")
    world.tick()
    assert world.record.rollout
    assert (world.record.rollout.canary, world.record.rollout.phase) == ("web-00009-cfg", "preparing")
    world.tick()
    assert services.percents("web")["web-00009-cfg"] == 1, "of 600 requests a minute: ten in three minutes are 1 %"


def test_a_revision_change_is_read_at_once_without_waiting_for_the_tick() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.cloud.clock.pass_(MINUTE / 60)
    resource = {"type": "cloud_run_revision", "labels": {"service_name": "web", "revision_name": world.canary}}
    world.send("revision-changes", {"resource": resource})
    assert world.cloud.services.percents("web") == {STABLE: 95, world.canary: 5}
    resource["labels"] = {"service_name": "other"}
    assert "unknown_service" in world.send("revision-changes", {"resource": resource})[0]


def test_a_frozen_environment_starts_nothing_until_it_is_unfrozen() -> None:
    world = deployed()
    world.command("freeze", "*")
    assert any("waits" in line for line in world.push("b"))
    world.cloud.clock.pass_(MINUTE)
    world.command("unfreeze", "*", "r2")
    world.tick()
    assert world.record.active
    with pytest.raises(InvalidEvent, match="service"):
        world.command("pause", "*", "r3")


def windows_edge(world: World, verb: str) -> str:
    """As Cloud Scheduler sends it: the same request id every week."""
    name = "starts" if verb == "freeze" else "ends"
    body = {
        "command": verb,
        "service": "*",
        "by": "freeze window weekend",
        "why": "weekend",
        "request_id": f"freeze-window-weekend-{name}",
    }
    world.cloud.clock.pass_(3 * 24 * 60 * MINUTE)
    return world.send("commands", body, {"command": verb, "service": "*"})[-1]


def test_every_weekend_is_told_and_kept_in_the_ledger() -> None:
    world = deployed()
    told = [windows_edge(world, verb) for verb in ("freeze", "unfreeze", "freeze", "unfreeze")]
    assert all(line.startswith("notify: told") for line in told), told
    assert len(world.cloud.ledger.keys("services/environment/")) == 4


def test_a_freeze_delivered_twice_is_told_once() -> None:
    world = deployed()
    world.command("freeze", "*")
    assert world.command("freeze", "*")[-1].startswith("notify: duplicate")


def test_a_window_that_ends_leaves_a_persons_stop_and_says_so() -> None:
    world = deployed()
    windows_edge(world, "freeze")
    world.command("freeze", "*", "stop")
    assert "It is still frozen: amina froze dev" in windows_edge(world, "unfreeze")
    assert world.cloud.ledger.freeze() == "amina froze dev: a reason"
    assert any("waits" in line for line in world.push("b"))


def test_a_person_can_lift_what_others_hold() -> None:
    world = deployed()
    windows_edge(world, "freeze")
    world.command("freeze", "*", "stop")
    world.cloud.clock.pass_(MINUTE)
    order = {"service": "*", "by": "kofi", "why": "go", "request_id": "r3", "holder": "*"}
    world.send("commands", {"command": "unfreeze", **order}, {"command": "unfreeze"})
    assert world.cloud.ledger.freeze() == ""
    with pytest.raises(InvalidEvent, match="holder"):
        world.send("commands", {"command": "freeze", **order}, {"command": "freeze"})


def test_a_released_pin_lets_the_waiting_release_start() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.command("rollback")
    world.cloud.clock.pass_(MINUTE)
    world.push("c")
    assert world.record.waiting
    world.command("release_pin", request_id="r2")
    assert world.record.rollout
    assert world.record.rollout.release.digest == digest("c")


@pytest.mark.parametrize("verb", ["pause", "rollback"])
def test_unknown_services_and_services_without_a_record_are_named(verb: str) -> None:
    world = deployed()
    assert "unknown_service" in world.command(verb, "shop")[0]
    assert "no_record" in world.command(verb, "web")[0]


def test_a_service_that_does_not_exist_is_tried_again_later() -> None:
    world = World()
    with pytest.raises(Unavailable, match="does not exist"):
        world.push("b")
    world.delivered = len(world.cloud.messages.published)
    assert world.tick() == ["health_verify: measured: nothing to do."]


def test_a_service_at_rest_has_nothing_to_do() -> None:
    world = deployed()
    assert world.tick() == ["health_verify: measured: nothing to do."]


def test_messages_of_another_function_are_left_to_it() -> None:
    world = deployed()
    command = {"command": "pause", "service": "web", "by": "a", "why": "b", "request_id": "c"}
    for name, topic, verb in (("auto_rollback", "commands", "pause"), ("rollout_command", "commands", "rollback")):
        data = json.dumps({**command, "command": verb}).encode()
        message = Message(id="1", topic=topic, published_at=NOW, data=data, attributes={"command": verb})
        assert handler(name)(message, world.cloud).startswith("not_ours")
    with pytest.raises(InvalidEvent, match="topic"):
        handler("auto_rollback")(Message(id="1", topic="gcr", published_at=NOW, data=b"{}"), world.cloud)


def test_a_build_that_failed_is_reported_and_one_that_succeeded_leaves_the_push_to_deploy() -> None:
    world = deployed()
    images = {"images": [{"name": f"{IMAGE}:v1", "digest": digest("b")}]}
    said = world.send("cloud-builds", {"id": "b1", "status": "SUCCESS", "results": images})
    assert "deploys_on_push" in said[0]
    said = world.send("cloud-builds", {"id": "b2", "status": "FAILURE", "statusDetail": "tests failed"})
    assert "tests failed" in said[-1]
    assert (
        "notify: duplicate"
        in world.send("rollout-events", json.loads(world.cloud.messages.on("rollout-events")[-1].data))[0]
    )
