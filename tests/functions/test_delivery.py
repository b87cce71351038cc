"""Whole deliveries through the real handlers: every message, in the order the topics carry them."""

import json

from shared.analysis.judge import judge
from shared.events import verdict
from shared.events.message import Message
from tests.fakes.clock import NOW
from tests.fakes.cloud import IMAGE
from tests.functions.world import MINUTE, STABLE, World, deployed, digest, handler, on_trial, promoted


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
    world = on_trial()
    world.until("rolled_back", canary_bad=0.5)
    assert world.cloud.services.percents("web") == {STABLE: 100}
    assert any(line.startswith("auto_rollback: rollout.rolled_back") for line in world.said)
    world.cloud.clock.pass_(MINUTE)
    assert any("is refused" in line for line in world.push("b"))


def test_the_ledger_keeps_what_every_move_rests_on_and_it_can_be_judged_again() -> None:
    world = on_trial()
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
    world = on_trial()
    world.cloud.clock.pass_(MINUTE)
    services = world.cloud.services
    reads, writes = services.reads, len(services.writes)
    world.alert()
    assert (services.reads - reads, len(services.writes) - writes) == (1, 1)
    assert services.percents("web") == {STABLE: 100}


def test_a_metrics_outage_holds_and_never_blames() -> None:
    world = on_trial()
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


def test_a_first_deployment_replaces_a_placeholder_after_its_probes() -> None:
    world = World()
    world.cloud.services.add("web", "us-docker.pkg.dev/cloudrun/container/hello")
    world.push("a")
    world.ready()
    world.tick()
    assert world.cloud.services.percents("web") == {world.canary: 100}


def test_a_changed_variable_is_canaried_like_code() -> None:
    world = promoted()
    world.change_variable("web-00009-cfg")
    world.tick()
    assert world.record.rollout
    assert (world.record.rollout.canary, world.record.rollout.phase) == ("web-00009-cfg", "preparing")
    world.tick()
    assert world.cloud.services.percents("web")["web-00009-cfg"] == 1, (
        "of 600 requests a minute: ten in three minutes are 1 %"
    )


def test_session_affinity_is_read_with_the_service_that_a_changed_variable_made_a_revision_of() -> None:
    world = promoted()
    world.change_variable("web-00009-cfg", session_affinity=True)
    assert any("Session affinity is on" in line for line in world.tick())


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


def test_a_released_pin_lets_the_waiting_release_start() -> None:
    world = on_trial()
    world.command("rollback")
    world.cloud.clock.pass_(MINUTE)
    world.push("c")
    assert world.record.waiting
    world.command("release_pin", request_id="r2")
    assert world.record.rollout
    assert world.record.rollout.release.digest == digest("c")


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


def test_a_service_at_rest_has_nothing_to_do() -> None:
    world = deployed()
    assert world.tick() == ["health_verify: measured: nothing to do."]
