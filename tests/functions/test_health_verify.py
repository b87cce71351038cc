"""One service that cannot be read hides no other from a tick."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.analysis.evidence import History
from shared.config.environment import ManagedService
from shared.errors import InvalidRecord, NotFound, Unavailable
from shared.events.message import Message
from shared.rollout.service import Revision, RevisionState, Service
from tests.fakes.clock import NOW
from tests.fakes.cloud import IMAGE
from tests.fakes.services import FakeServices
from tests.functions.world import MINUTE, World, deployed, digest, handler


def two_services() -> World:
    """`api` comes before `web` by name; `web` has a canary to measure."""
    world = deployed()
    environment = world.cloud.environment
    api = ManagedService(name="api", image="africa-south1-docker.pkg.dev/demo/apps/api")
    world.cloud.environment = replace(environment, services={**environment.services, "api": api})
    world.cloud.services.add("api", f"{api.image}@{digest('a')}")
    world.push("b")
    world.ready()
    return world


def tick(world: World) -> str:
    world.cloud.messages.published.clear()
    message = Message(id="1", topic="rollout-ticks", published_at=NOW, data=b"{}", attributes={"job": "rollout-ticks"})
    return handler("health_verify")(message, world.cloud)


def verdicts(world: World) -> list[str]:
    return [json.loads(item.data)["service"] for item in world.cloud.messages.on("verdicts")]


class Blocked(FakeServices):
    """What one service answers with is an error."""

    def __init__(self, whole: FakeServices, name: str, error: Exception) -> None:
        self.__dict__ = whole.__dict__
        self._name, self._error = name, error

    def get(self, service: str) -> Service:
        if service == self._name:
            raise self._error
        return super().get(service)


def test_a_canary_is_asked_only_where_its_tag_leads_to_it() -> None:
    """It is ready, and the tag still leads to the one before: what that one answers says nothing of the canary."""
    world = two_services()
    row = world.cloud.services.rows["web"]
    world.cloud.services.rows["web"] = replace(row, tagged={**row.tagged, "canary": next(iter(row.serving))})
    tick(world)
    [told] = world.cloud.messages.on("verdicts")
    assert json.loads(told.data)["probes"] == []


def test_a_service_whose_record_is_broken_is_told_and_the_others_are_measured() -> None:
    world = two_services()
    world.cloud.services.rows["api"] = replace(world.cloud.services.rows["api"], record="{")
    assert tick(world).startswith("measured: api cannot be read, web")
    assert verdicts(world) == ["web"]
    [kept] = world.cloud.messages.on("rejected-events")
    rejected: dict[str, Any] = json.loads(kept.data)
    assert rejected["reason"].startswith("api: ")
    assert (rejected["function"], rejected["error"]) == ("health_verify", "InvalidRecord")
    assert rejected["path"] == "/projects/demo/topics/rollout-ticks"


@pytest.mark.parametrize("error", [Unavailable("over quota"), KeyError("a fault of ours")])
def test_a_service_that_does_not_answer_costs_the_others_nothing_and_is_tried_again(error: Exception) -> None:
    world = two_services()
    world.cloud.services = Blocked(world.cloud.services, "api", error)
    with pytest.raises(type(error)):
        tick(world)
    assert verdicts(world) == ["web"]


@pytest.mark.parametrize("verb", ["rollback", "pause"])
def test_a_command_for_a_service_whose_record_is_broken_is_refused_by_name(verb: str) -> None:
    world = two_services()
    world.cloud.services.rows["web"] = replace(world.cloud.services.rows["web"], record="{")
    with pytest.raises(InvalidRecord, match="the record on web cannot be read"):
        world.command(verb)


def test_a_push_for_a_service_whose_record_is_broken_is_refused_by_name() -> None:
    world = two_services()
    world.cloud.services.rows["web"] = replace(world.cloud.services.rows["web"], record="{")
    world.cloud.clock.pass_(timedelta(minutes=1))
    with pytest.raises(InvalidRecord, match="the record on web cannot be read"):
        world.push("c")
    assert world.cloud.services.rows["web"].image == f"{IMAGE}@{digest('b')}"


def test_at_100_percent_stable_is_asked_often_enough_to_show_an_outage_that_both_have() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.until("progressing")
    stable = world.record.rollout.stable if world.record.rollout else ""

    def asked(failing: int) -> int:
        world.cloud.prober.probed.clear()
        world.cloud.prober.statuses = {stable: failing}
        tick(world)
        return sum(revision == stable for _, revision, _ in world.cloud.prober.probed)

    assert asked(200) == 1  # whether one could go back to it
    world.until("baking")
    assert asked(200) == 1 + 5
    assert asked(500) == 1 + 5
    assert asked(0) == 1 + 1  # it does not answer at all, which takes five seconds each time
    row = world.cloud.services.rows["web"]
    world.cloud.services.rows["web"] = replace(row, tagged={"canary": row.tagged["canary"]})
    assert asked(200) == 0


def test_only_a_service_that_is_missing_is_not_deployed_and_not_one_whose_ledger_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = two_services()
    del world.cloud.services.rows["api"]
    assert tick(world).startswith("measured: web ")

    def gone(*_asked: object) -> str:
        raise NotFound("no such bucket")

    monkeypatch.setattr(world.cloud.ledger, "newest", gone)
    with pytest.raises(NotFound, match="no such bucket"):  # the tick comes again, and is told when it never can
        tick(world)


def test_the_metrics_are_asked_before_the_revisions_and_awaited_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.until("progressing")
    metrics, probed = world.cloud.metrics, world.cloud.prober.probed
    order: list[tuple[str, int]] = []

    def ask(*_question: object) -> Callable[[], History]:
        order.append(("asked", len(probed)))
        return answered

    def answered() -> History:
        order.append(("answered", len(probed)))
        return metrics.answer

    monkeypatch.setattr(metrics, "ask", ask)
    probed.clear()
    tick(world)
    assert order == [("asked", 0), ("answered", len(probed))]
    assert probed


def test_nobody_waits_for_the_metrics_of_a_canary_that_is_not_ready() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.until("progressing")
    world.cloud.metrics.down = True
    world.cloud.services.fail(world.canary, "its instances are gone")
    tick(world)
    [told] = world.cloud.messages.on("verdicts")
    assert json.loads(told.data)["canary_message"] == "its instances are gone"


def led_elsewhere(world: World) -> None:
    row = world.cloud.services.rows["web"]
    world.cloud.services.rows["web"] = replace(row, tagged={**row.tagged, "canary": "web-00001-aaa"})


@pytest.mark.no_cover
def test_a_canary_whose_tag_leads_elsewhere_is_judged_by_its_users_and_goes_no_further() -> None:
    """Nobody can ask it, which is said; harm to users is seen all the same, and its deadline asks a person."""
    world = deployed()
    world.push("b")
    world.ready()
    world.until("progressing")
    step = world.record.rollout.step if world.record.rollout else None
    held = None
    for _ in range(300):
        led_elsewhere(world)
        world.serve()
        world.tick(4 * MINUTE)
        held = world.record.rollout and world.record.rollout.hold
        if held:
            break
    assert held
    assert held.cause == "deadline"
    assert world.record.rollout
    assert world.record.rollout.step == step
    assert "The tag canary leads to web-00001-aaa: nobody could ask" in held.reason


def test_a_bad_canary_whose_tag_leads_elsewhere_is_taken_back() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.until("progressing")
    for _ in range(15):
        led_elsewhere(world)
        world.serve(canary_bad=0.4)
        world.tick()
    assert world.record.rollout
    assert world.record.rollout.phase == "rolled_back"


def test_a_canary_that_nobody_can_ask_before_its_first_user_is_taken_back_with_the_reason() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    for _ in range(20):
        led_elsewhere(world)
        world.tick()
    assert world.record.rollout
    assert world.record.rollout.phase == "rolled_back"
    assert "The tag canary leads to" in (world.record.pin.reason if world.record.pin else "")


def test_a_revision_that_appears_while_the_environment_is_frozen_starts_after_it() -> None:
    world = deployed()
    world.push("b")
    world.ready()
    world.until("promoted")
    world.command("freeze", "*", "f1")
    services, name = world.cloud.services, "web-00009-cfg"
    services.revisions[name] = Revision(name=name, image=services.rows["web"].image, state=RevisionState.READY)
    services.rows["web"] = replace(services.rows["web"], latest_created=name, latest_ready=name)
    world.tick()
    assert world.record.active is None
    world.command("unfreeze", "*", "f2")
    world.tick()
    assert world.record.active
    assert world.record.active.canary == "web-00009-cfg"
