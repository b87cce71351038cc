"""How a revision comes to be on the local Cloud Run, and when traffic follows it."""

import json
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud import run_v2

from scripts.local_cloud.contracts import PARENT
from scripts.local_cloud.run.checks import LATEST
from tests.local_cloud.run_client import FAILED, NAME, REPOSITORY, SUCCEEDED, Api, pinned, row, short, template, wanted


@pytest.fixture(params=["grpc", "rest"])
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    api = Api(request.param)
    yield api
    api.stop()


def test_a_new_service_serves_its_first_revision_once_it_is_ready(api: Api) -> None:
    operation = api.services.create_service(parent=PARENT, service=wanted("v1"), service_id="web")
    pending = api.get()
    first = short(pending.latest_created_revision)
    assert pending.reconciling
    assert (pending.latest_ready_revision, list(pending.traffic_statuses), api.plane.routes) == ("", [], [])
    assert api.plane.started[first] == (("run", "v1"), {"COLOUR": "blue"})
    assert api.revisions.get_revision(name=f"{NAME}/revisions/{first}").reconciling
    api.plane.ready(first)
    service = operation.result(timeout=10)
    assert (service.name, service.uri, service.generation, service.observed_generation) == (
        NAME,
        "https://web.example",
        1,
        1,
    )
    assert service.terminal_condition.state == SUCCEEDED
    assert short(service.latest_ready_revision) == first
    (status,) = service.traffic_statuses
    assert (status.type_, status.revision, status.percent) == (LATEST, first, 100)
    assert api.plane.routes == [({first: 100}, {})]
    assert api.get() == service


def test_a_template_makes_a_revision_and_pinned_traffic_stays(api: Api) -> None:
    first = api.create()
    api.update("traffic", traffic=[row(first, 100), row("", tag="canary")])
    api.settled()
    changed = template("v2", annotations={"rollout": "r2"}, labels={"team": "chat"})
    api.update("template", "annotations", template=changed, annotations={"pushnchat.app/record": "{}"})
    second = short(api.get().latest_created_revision)
    assert second != first
    assert api.plane.routes[-1] == ({first: 100}, {"canary": first})
    api.plane.ready(second)
    service = api.settled()
    assert api.plane.routes[-1] == ({first: 100}, {"canary": second})
    assert {status.tag: (status.revision, status.uri) for status in service.traffic_statuses if status.tag} == {
        "canary": (second, "https://canary---web.example")
    }
    revision = api.revisions.get_revision(name=service.latest_ready_revision)
    assert (revision.containers[0].image, revision.service) == (f"{REPOSITORY}:v2", "web")
    assert (dict(revision.annotations), dict(revision.labels)) == ({"rollout": "r2"}, {"team": "chat"})
    assert [short(found.name) for found in api.revisions.list_revisions(parent=NAME)] == [second, first]


def test_the_latest_revision_takes_its_traffic_with_it_only_when_ready(api: Api) -> None:
    first = api.create()
    api.update("template", template=template("v2"))
    assert api.plane.routes[-1] == ({first: 100}, {})
    second = api.make_ready()
    assert api.plane.routes[-1] == ({second: 100}, {})


def test_the_same_template_makes_no_revision(api: Api) -> None:
    first = api.create()
    api.update("template", template=template("v1"))
    service = api.settled()
    assert short(service.latest_created_revision) == first
    assert service.generation == 2


def test_a_named_revision_is_made_once(api: Api) -> None:
    api.create()
    api.update("template", template=template("v2", revision="web-mine"))
    assert short(api.get().latest_created_revision) == "web-mine"
    api.update("template", template=template("v2", revision="web-mine"))
    with pytest.raises(exceptions.Conflict, match=r"'web-mine' with different configuration already exists"):
        api.update("template", template=template("v3", revision="web-mine"))
    with pytest.raises(exceptions.BadRequest, match=r"template.revision: \"mine\" must be"):
        api.update("template", template=template("v3", revision="mine"))


def test_a_revision_that_never_starts_gets_nothing_and_says_why(api: Api) -> None:
    first = api.create()
    operation = api.update("template", template=template("v2"))
    second = short(api.get().latest_created_revision)
    api.plane.fail(second, "it did not listen")
    service = api.settled()
    assert service.terminal_condition.state == FAILED
    assert short(service.latest_ready_revision) == first
    assert api.plane.routes[-1] == ({first: 100}, {})
    (ready,) = api.revisions.get_revision(name=f"{NAME}/revisions/{second}").conditions
    assert (ready.type_, ready.state, ready.message) == ("Ready", FAILED, "it did not listen")
    assert ready.revision_reason == run_v2.Condition.RevisionReason.HEALTH_CHECK_CONTAINER_ERROR
    with pytest.raises(exceptions.GoogleAPICallError, match=f"'{second}' is not ready and cannot serve traffic"):
        operation.result(timeout=10)
    api.update("traffic", traffic=[row(first, 100), row(first, tag="stable")]).result(timeout=10)
    assert api.plane.routes[-1] == ({first: 100}, {"stable": first})


def test_traffic_never_follows_to_a_revision_that_failed(api: Api) -> None:
    first = api.create()
    api.update("template", template=template("v2"))
    second = short(api.get().latest_created_revision)
    api.plane.fail(second, "it did not listen")
    api.settled()
    api.update("traffic", traffic=pinned(**{first: 50, second: 50}))
    service = api.settled()
    assert service.terminal_condition.state == FAILED
    assert api.plane.routes[-1] == ({first: 100}, {})
    assert [status.revision for status in service.traffic_statuses] == [first]


def test_traffic_to_a_revision_that_starts_waits_for_it(api: Api) -> None:
    first = api.create()
    api.update("template", template=template("v2"))
    second = short(api.get().latest_created_revision)
    api.update("traffic", traffic=pinned(**{first: 90, second: 10}))
    assert api.plane.routes[-1] == ({first: 100}, {})
    api.plane.ready(second)
    api.settled()
    assert api.plane.routes[-1] == ({first: 90, second: 10}, {})


def test_an_image_that_is_not_there_fails_its_revision(api: Api) -> None:
    api.create()
    api.update("template", template=template("v9"))
    service = api.settled()
    (ready,) = api.revisions.get_revision(name=service.latest_created_revision).conditions
    assert ready.message == f"Image '{REPOSITORY}:v9' not found."
    assert ready.reason == run_v2.Condition.CommonReason.CONTAINER_MISSING


def test_a_slower_older_revision_does_not_become_the_latest(api: Api) -> None:
    api.create()
    api.update("template", template=template("v2"))
    second = short(api.get().latest_created_revision)
    api.update("template", template=template("v3"))
    third = api.make_ready()
    api.plane.ready(second)
    assert short(api.settled().latest_ready_revision) == third


def test_every_change_that_comes_true_is_told_to_the_audit_log(api: Api) -> None:
    first = api.create()
    api.update("template", template=template("v2"))
    second = short(api.get().latest_created_revision)
    api.plane.fail(second, "it did not listen")
    assert [(change.service, change.revision) for change in api.told()] == [("web", first), ("web", second)]
    failed = json.loads(api.publisher.published[-1][1])
    assert failed["severity"] == "ERROR"
    assert "it did not listen" in failed["protoPayload"]["status"]["message"]
