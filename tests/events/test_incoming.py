"""Google's messages and operators': what they mean, and what is wrong with them, by field."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.environment import Environment, ManagedService
from shared.errors import InvalidEvent
from shared.events import (
    announcement,
    build,
    command,
    deploy_request,
    image_push,
    incident,
    revision_change,
    tick,
    verdict,
)
from shared.events.ignored import Ignored
from shared.events.image_push import ImagePushed
from shared.rollout.announcement import Announcement
from shared.rollout.commands import Verb
from shared.rollout.facts import DeployRequested, IncidentChanged
from tests.events.payloads import NOW, message, payload

IMAGE = "us-east1-docker.pkg.dev/my-project/my-repo/hello-world"
DIGEST = "sha256:6ec128e26cd5a2a4dd0a25d5a3f5d4c4a5d8b6b0e0f9d8c7b6a5948372615043"


def environment(**row: Any) -> Environment:
    service = ManagedService(name="web", image=IMAGE, **row)
    return Environment(name="dev", project="p", region="r", ledger_bucket="b", services={"web": service})


def pushed(**changes: Any) -> ImagePushed:
    row: dict[str, Any] = {"action": "INSERT", "image": IMAGE, "digest": DIGEST, "tag": "1.1", "at": NOW}
    return ImagePushed(**(row | changes))


# ------------------------------------------------------------------------------------------------------ images


def test_a_tagged_push_asks_for_a_deploy_by_digest() -> None:
    [outcome] = image_push.route(image_push.parse(message(payload("image_push_tag"))), environment())
    assert isinstance(outcome, DeployRequested)
    assert (outcome.service, outcome.release.reference) == ("web", f"{IMAGE}@{DIGEST}")
    assert (outcome.release.requested_at, outcome.release.tag) == (NOW, "1.1")


def test_an_image_of_several_services_is_deployed_to_all_of_them() -> None:
    found = environment()
    worker = replace(found.services["web"], name="worker")
    built = replace(found.services["web"], name="built", deploys_on="build")
    found = replace(found, services={**found.services, "worker": worker, "built": built})
    outcomes = image_push.route(image_push.parse(message(payload("image_push_tag"))), found)
    deployed = [outcome.service for outcome in outcomes if isinstance(outcome, DeployRequested)]
    ignored = [outcome.rule for outcome in outcomes if isinstance(outcome, Ignored)]
    assert (deployed, ignored) == (["web", "worker"], ["deploys_on_build"])


def test_container_registrys_messages_read_the_same() -> None:
    assert image_push.parse(message(payload("image_push_gcr"))).image == "gcr.io/freshly-docker/freshly"


@pytest.mark.parametrize(
    ("push", "row", "rule"),
    [
        ("image_delete_tag", {}, "deleted"),
        ("image_push_digest", {}, "untagged"),
        ("image_push_gcr", {}, "unknown_image"),
        ("image_push_tag", {"deploys_on": "build"}, "deploys_on_build"),
        ("image_push_tag", {"deploy_tags": "v.*"}, "tag_rule"),
    ],
)
def test_an_ignored_push_names_its_rule(push: str, row: dict[str, Any], rule: str) -> None:
    [outcome] = image_push.route(image_push.parse(message(payload(push))), environment(**row))
    assert isinstance(outcome, Ignored)
    assert outcome.rule == rule


def test_signatures_and_pushes_without_a_digest_are_ignored() -> None:
    [signature] = image_push.route(pushed(tag=DIGEST.replace(":", "-") + ".sig"), environment())
    [bare] = image_push.route(image_push.parse(message({"action": "INSERT", "tag": f"{IMAGE}:1.1"})), environment())
    assert [outcome.rule for outcome in (signature, bare) if isinstance(outcome, Ignored)] == [
        "signature",
        "no_digest",
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "MOVE"}, "action"),
        ({"action": "INSERT"}, "digest"),
        ({"action": "INSERT", "digest": f"{IMAGE}@sha256:12"}, "digest"),
        ({"action": "INSERT", "digest": 7}, "digest"),
        ({"action": "INSERT", "tag": "localhost:5000/web"}, "tag"),
        ({"action": "INSERT", "digest": f"{IMAGE}@{DIGEST}", "tag": "other/web:1"}, "tag"),
        (b"\xff", "data"),
        (b"{", "data"),
        (b"[]", "data"),
        (b" " * (1 << 20) + b"{}", "data"),
    ],
)
def test_a_broken_push_names_its_field(body: Any, field: str) -> None:
    with pytest.raises(InvalidEvent) as error:
        image_push.parse(message(body))
    assert error.value.field == field


# ------------------------------------------------------------------------------------------------------ builds


def test_a_successful_build_deploys_what_deploys_on_builds() -> None:
    [outcome] = build.route(build.parse(message(payload("build_success"))), environment(deploys_on="build"))
    assert isinstance(outcome, DeployRequested)
    assert outcome.release.commit == "c0ffee0123456789"
    assert outcome.release.requested_at == datetime(2026, 11, 23, 10, 1, 30, 500000, UTC)


@pytest.mark.parametrize("status", build.STATUSES)
def test_every_status_has_one_meaning(status: str) -> None:
    body = {**payload("build_success"), "status": status}
    [outcome] = build.route(build.parse(message(body)), environment())
    if status in build.FAILED:
        assert isinstance(outcome, Announcement)
        assert outcome.key.endswith(status)
    else:
        assert isinstance(outcome, Ignored)
        assert outcome.rule == ("deploys_on_push" if status == "SUCCESS" else "not_finished")


def test_a_build_without_images_or_with_unknown_ones_is_ignored() -> None:
    bare = {"id": "b", "status": "SUCCESS"}
    other = {**bare, "results": {"images": [{"name": "other/web:1", "digest": DIGEST}]}}
    rules = [build.route(build.parse(message(body)), environment())[0] for body in (bare, other)]
    assert [outcome.rule for outcome in rules if isinstance(outcome, Ignored)] == ["no_images", "unknown_image"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": "DONE"}, "status"),
        ({"id": ""}, "id"),
        ({"finishTime": "noon"}, "finishTime"),
        ({"finishTime": "2026-11-23T10:00:00"}, "finishTime"),
        ({"results": []}, "results"),
        ({"results": {"images": {}}}, "results.images"),
        ({"results": {"images": [7]}}, "results.images[0]"),
        ({"results": {"images": [{"name": "web:1", "digest": "md5:1"}]}}, "results.images[0].digest"),
    ],
)
def test_a_broken_build_names_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEvent) as error:
        build.parse(message({**payload("build_success"), **changes}))
    assert error.value.field == field


# --------------------------------------------------------------------------------------------------- incidents


def test_an_open_incident_of_cloud_run_says_what_it_is_about() -> None:
    fact = incident.parse(message(payload("incident_open_cloud_run")))
    assert isinstance(fact, IncidentChanged)
    assert (fact.open, fact.service, fact.revision, fact.policy_rolls_back) == (True, "web", "web-00002-bbb", True)
    assert fact.at == datetime.fromtimestamp(1577840461, UTC)


def test_a_closed_incident_carries_when_it_ended() -> None:
    body = payload("incident_open_cloud_run")
    body["incident"] |= {"state": "closed", "ended_at": 1577877071}
    fact = incident.parse(message(body))
    assert isinstance(fact, IncidentChanged)
    assert (fact.open, fact.at) == (False, datetime.fromtimestamp(1577877071, UTC))


@pytest.mark.parametrize(
    ("name", "rule"), [("incident_test", "test_notification"), ("incident_closed", "not_cloud_run")]
)
def test_other_notifications_are_ignored_by_name(name: str, rule: str) -> None:
    outcome = incident.parse(message(payload(name)))
    assert isinstance(outcome, Ignored)
    assert outcome.rule == rule


def test_an_incident_without_a_start_opened_when_it_was_published() -> None:
    body = payload("incident_open_cloud_run")
    body["incident"]["started_at"] = 0
    fact = incident.parse(message(body))
    assert isinstance(fact, IncidentChanged)
    assert fact.at == NOW


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"state": "ajar"}, "incident.state"),
        ({"incident_id": None}, "incident.incident_id"),
        ({"started_at": "now"}, "incident.started_at"),
        ({"started_at": 1 << 80}, "incident.started_at"),
        ({"resource": None}, "incident.resource"),
        ({"resource": {"type": "cloud_run_revision", "labels": {}}}, "incident.resource.labels.service_name"),
    ],
)
def test_a_broken_incident_names_its_field(changes: dict[str, Any], field: str) -> None:
    body = payload("incident_open_cloud_run")
    body["incident"] |= changes
    with pytest.raises(InvalidEvent) as error:
        incident.parse(message(body))
    assert error.value.field == field


def test_an_unknown_schema_of_incidents_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="version"):
        incident.parse(message({"version": "2.0"}))


# ----------------------------------------------------------------------------------------- ticks and revisions


def test_a_tick_is_the_time_it_was_published() -> None:
    assert tick.parse(message({}, attributes={"job": "rollout-ticks"})) == tick.Tick(at=NOW)


def test_a_ready_revision_says_which_service_to_read() -> None:
    fact = revision_change.parse(message(payload("revision_ready")))
    assert (fact.service, fact.revision, fact.at.second) == ("web", "web-00002-bbb", 3)
    with pytest.raises(InvalidEvent, match=r"resource\.type"):
        revision_change.parse(message({"resource": {"type": "gce_instance"}}))


# ---------------------------------------------------------------------------------------------------- commands

ORDER = {"command": "rollback", "service": "web", "by": "amina", "why": "errors", "request_id": "r1"}


@pytest.mark.parametrize("verb", Verb)
def test_every_command_survives_the_way_there_and_back(verb: Verb) -> None:
    order = command.parse(message({**ORDER, "command": verb}, attributes={"command": verb}))
    data, attributes = command.encode(order)
    assert command.parse(message(data, attributes=attributes)) == order
    assert order.verb is verb


@pytest.mark.parametrize("field", ["command", "service", "by", "why", "request_id"])
def test_a_command_needs_every_field(field: str) -> None:
    with pytest.raises(InvalidEvent) as error:
        command.parse(message({**ORDER, field: ""}, attributes={"command": "rollback"}))
    assert error.value.field == field


def test_a_command_must_be_routed_as_it_reads() -> None:
    with pytest.raises(InvalidEvent, match=r"attributes\.command"):
        command.parse(message(ORDER, attributes={"command": "pause"}))


# -------------------------------------------------------------------------------------------------- any bytes


def _refusal(parser: Any, body: Any) -> str | None:
    """The field a parser names, or None when it takes the body; any other error is not caught."""
    try:
        parser(message(body))
    except InvalidEvent as error:
        return error.field
    return None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_PARSERS = [
    announcement.parse,
    build.parse,
    command.parse,
    deploy_request.parse,
    image_push.parse,
    incident.parse,
    revision_change.parse,
    verdict.parse,
]


@given(body=st.binary(max_size=200) | _JSON, parser=st.sampled_from(_PARSERS))
def test_no_bytes_make_a_parser_raise_anything_but_an_invalid_event(body: Any, parser: Any) -> None:
    assert _refusal(parser, body) != ""


@given(
    name=st.sampled_from(["image_push_tag", "build_success", "incident_open_cloud_run", "revision_ready"]),
    junk=_JSON,
    data=st.data(),
)
def test_no_field_of_a_real_payload_can_be_anything_that_breaks_the_parser(name: str, junk: Any, data: Any) -> None:
    body = payload(name)
    place = body
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = junk
    for parser in _PARSERS:
        assert _refusal(parser, body) != ""
