"""The local Cloud Run Admin API, driven by Google's own client over gRPC and REST."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import run_v2
from google.cloud.run_v2.services.revisions.transports.grpc import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.longrunning import operations_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from scripts.local_cloud.registry import Registry
from scripts.local_cloud.run.admin import PARENT, RunAdmin
from scripts.local_cloud.run.checks import LATEST, PINNED
from shared.adapters.google_api import insecure_channel
from shared.events import revision_change
from shared.events.message import Message
from tests.local_cloud.recording import RecordingDataPlane, RecordingPublisher
from tests.local_cloud.waiting import wait_until

REPOSITORY = "registry.example/web"
NAME = f"{PARENT}/services/web"
SUCCEEDED = run_v2.Condition.State.CONDITION_SUCCEEDED
FAILED = run_v2.Condition.State.CONDITION_FAILED


class Api:
    """A server, and clients on one of its two wires."""

    def __init__(self, wire: str) -> None:
        self.plane = RecordingDataPlane()
        self.publisher = RecordingPublisher()
        self.registry = Registry(self.publisher)
        self.server = RunAdmin(self.plane, self.registry, self.publisher, reconcile_delay_seconds=0)
        self.server.start()
        self.wire = wire
        self.services, self.revisions = self._grpc() if wire == "grpc" else self._rest()
        for version in ("v1", "v2", "v3"):
            self.registry.push(REPOSITORY, version, ("run", version))

    def _grpc(self) -> tuple[run_v2.ServicesClient, run_v2.RevisionsClient]:
        endpoint = f"127.0.0.1:{self.server.grpc_port}"
        return (
            run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=insecure_channel(endpoint))),
            run_v2.RevisionsClient(transport=RevisionsGrpcTransport(channel=insecure_channel(endpoint))),
        )

    def _rest(self) -> tuple[run_v2.ServicesClient, run_v2.RevisionsClient]:
        options: dict[str, Any] = {"api_endpoint": f"http://127.0.0.1:{self.server.rest_port}"}
        anonymous = AnonymousCredentials()
        return (
            run_v2.ServicesClient(transport="rest", credentials=anonymous, client_options=options),
            run_v2.RevisionsClient(transport="rest", credentials=anonymous, client_options=options),
        )

    def stop(self) -> None:
        self.services.transport.close()
        self.revisions.transport.close()
        self.server.stop()

    def create(self, version: str = "v1", **fields: Any) -> str:
        """The ready first revision's name."""
        self.services.create_service(parent=PARENT, service=wanted(version, **fields), service_id="web")
        return self.make_ready()

    def make_ready(self) -> str:
        name = short(self.get().latest_created_revision)
        self.plane.ready(name)
        self.settled()
        return name

    def get(self) -> run_v2.Service:
        return self.services.get_service(name=NAME)

    def settled(self) -> run_v2.Service:
        wait_until(lambda: not self.get().reconciling)
        return self.get()

    def update(self, *paths: str, **fields: Any) -> Any:
        request = run_v2.UpdateServiceRequest(
            service=run_v2.Service(name=NAME, **fields), update_mask=FieldMask(paths=paths) if paths else None
        )
        return self.services.update_service(request=request)

    def told(self) -> list[revision_change.RevisionChanged]:
        return [
            revision_change.parse(
                Message(id="1", topic=topic, published_at=datetime.now(UTC), data=data, attributes=dict(attributes))
            )
            for topic, data, attributes in self.publisher.published
            if topic == "revision-changes"
        ]


@pytest.fixture(params=["grpc", "rest"])
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    api = Api(request.param)
    yield api
    api.stop()


def wanted(version: str, **fields: Any) -> run_v2.Service:
    container = run_v2.Container(image=f"{REPOSITORY}:{version}", env=[{"name": "COLOUR", "value": "blue"}])
    return run_v2.Service(template=run_v2.RevisionTemplate(containers=[container]), **fields)


def template(version: str, **fields: Any) -> run_v2.RevisionTemplate:
    return run_v2.RevisionTemplate(containers=wanted(version).template.containers, **fields)


def pinned(**percents: int) -> list[run_v2.TrafficTarget]:
    return [run_v2.TrafficTarget(type_=PINNED, revision=name, percent=share) for name, share in percents.items()]


def row(revision: str, percent: int = 0, tag: str = "") -> run_v2.TrafficTarget:
    return run_v2.TrafficTarget(type_=PINNED if revision else LATEST, revision=revision, percent=percent, tag=tag)


def short(name: str) -> str:
    return name.rpartition("/")[2]


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


def test_a_stale_etag_changes_nothing(api: Api) -> None:
    first = api.create()
    read = api.get()
    api.update("annotations", annotations={"a": "1"}, etag=read.etag)
    with pytest.raises(exceptions.Conflict, match=r"Conflict for resource 'web': version '.*' was specified"):
        api.update("annotations", annotations={"a": "2"}, etag=read.etag)
    service = api.settled()
    assert dict(service.annotations) == {"a": "1"}
    assert short(service.latest_created_revision) == first


def test_coming_true_changes_the_etag_too(api: Api) -> None:
    api.create()
    before = api.get().etag
    api.update("annotations", annotations={"a": "1"})
    etags = {before, api.get().etag, api.settled().etag}
    assert len(etags) >= 2
    assert api.settled().etag == api.get().etag


def test_racing_writers_under_an_etag_lose_no_update(api: Api) -> None:
    api.create(annotations={"count": "0"})
    rounds, writers = 5, 4

    def count() -> None:
        done = 0
        while done < rounds:
            read = api.get()
            following = {"count": str(int(read.annotations["count"]) + 1)}
            try:
                api.update("annotations", annotations=following, etag=read.etag)
            except exceptions.Conflict:
                continue
            done += 1

    threads = [threading.Thread(target=count) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert api.get().annotations["count"] == str(rounds * writers)


def test_a_mask_names_what_changes_and_a_map_is_replaced_whole(api: Api) -> None:
    api.create(annotations={"a": "1", "b": "2"}, description="before")
    api.update("annotations", annotations={"b": "3"}, description="not in the mask")
    service = api.settled()
    assert dict(service.annotations) == {"b": "3"}
    assert service.description == "before"
    api.update(template=template("v1"), description="after")
    service = api.settled()
    assert (service.description, dict(service.annotations)) == ("after", {})


def test_what_only_the_server_sets_stays(api: Api) -> None:
    api.create()
    before = api.get()
    api.update("uid", "uri", uid="mine", uri="https://mine.example")
    service = api.settled()
    assert (service.uid, service.uri) == (before.uid, before.uri)


def test_a_change_that_is_only_checked_changes_nothing(api: Api) -> None:
    api.create()
    before = api.get()
    request = run_v2.UpdateServiceRequest(
        service=run_v2.Service(name=NAME, template=template("v2")),
        update_mask={"paths": ["template"]},
        validate_only=True,
    )
    assert api.services.update_service(request=request).done()
    assert api.get() == before


_BAD: list[tuple[str, Callable[[str], dict[str, Any]], str]] = [
    ("traffic", lambda first: {"traffic": [row(first, 90)]}, "must add up to 100, not 90"),
    ("traffic", lambda first: {"traffic": [row(first, 120)]}, r"traffic\[0\].percent: 120"),
    ("traffic", lambda first: {"traffic": [row(first, 100), row(first)]}, r"traffic\[1\]: needs a percent or a tag"),
    (
        "traffic",
        lambda first: {"traffic": [row(first, 100, "a"), row("", tag="a")]},
        r'traffic\[1\].tag: "a" is there twice',
    ),
    ("traffic", lambda first: {"traffic": [row(first, 100, "No")]}, r'traffic\[0\].tag: "No" must be'),
    ("traffic", lambda first: {"traffic": [run_v2.TrafficTarget(percent=100)]}, r"traffic\[0\].type"),
    (
        "traffic",
        lambda first: {"traffic": [run_v2.TrafficTarget(type_=LATEST, revision=first, percent=100)]},
        r"traffic\[0\].revision",
    ),
    ("annotations", lambda _: {"annotations": {"run.googleapis.com/x": "1"}}, '"run.googleapis.com/x" has a prefix'),
    ("annotations", lambda _: {"annotations": {"a": "x" * 262_144}}, "262145 bytes are more"),
    ("template", lambda _: {"template": run_v2.RevisionTemplate()}, "a revision needs a container"),
    (
        "template",
        lambda _: {"template": run_v2.RevisionTemplate(containers=[{"image": ""}])},
        r"template.containers\[0\].image",
    ),
]


@pytest.mark.parametrize(("path", "fields", "problem"), _BAD)
def test_what_cloud_run_refuses_is_refused_by_its_field(
    api: Api, path: str, fields: Callable[[str], dict[str, Any]], problem: str
) -> None:
    first = api.create()
    before = api.get()
    with pytest.raises(exceptions.BadRequest, match=problem):
        api.update(path, **fields(first))
    assert api.get() == before


def test_traffic_to_a_revision_that_is_not_there_is_refused(api: Api) -> None:
    api.create()
    with pytest.raises(exceptions.NotFound, match=r"'web-none' of traffic\[0\]"):
        api.update("traffic", traffic=[row("web-none", 100)])


def test_what_is_not_there_is_not_found(api: Api) -> None:
    with pytest.raises(exceptions.NotFound, match="Resource 'web' of kind 'SERVICE' in region 'africa-south1'"):
        api.get()
    with pytest.raises(exceptions.NotFound):
        api.update("annotations", annotations={})
    api.create()
    with pytest.raises(exceptions.NotFound, match="'web-none' of kind 'REVISION'"):
        api.revisions.get_revision(name=f"{NAME}/revisions/web-none")
    with pytest.raises(exceptions.Conflict, match="already exists"):
        api.services.create_service(parent=PARENT, service=wanted("v1"), service_id="web")


def test_another_projects_services_are_not_served(api: Api) -> None:
    elsewhere = "projects/other/locations/africa-south1"
    with pytest.raises(exceptions.Forbidden):
        api.services.list_services(parent=elsewhere)
    with pytest.raises(exceptions.Forbidden):
        api.services.create_service(parent=elsewhere, service=wanted("v1"), service_id="web")


def test_a_service_id_is_a_label(api: Api) -> None:
    with pytest.raises(exceptions.BadRequest, match='service_id: "Web"'):
        api.services.create_service(parent=PARENT, service=wanted("v1"), service_id="Web")


def test_lists_come_in_pages(api: Api) -> None:
    api.create()
    for version in ("v2", "v3"):
        api.update("template", template=template(version))
    pages = api.revisions.list_revisions(request=run_v2.ListRevisionsRequest(parent=NAME, page_size=2))
    assert [len(page.revisions) for page in pages.pages] == [2, 1]
    assert [short(service.name) for service in api.services.list_services(parent=PARENT)] == ["web"]
    with pytest.raises(exceptions.BadRequest, match="page_token"):
        api.revisions.list_revisions(request=run_v2.ListRevisionsRequest(parent=NAME, page_token="x"))


def test_missing_may_be_allowed(api: Api) -> None:
    change = wanted("v1")
    change.name = NAME
    api.services.update_service(request=run_v2.UpdateServiceRequest(service=change, allow_missing=True))
    assert api.make_ready() in api.plane.started


def test_a_revision_in_use_cannot_be_deleted(api: Api) -> None:
    first = api.create()
    api.update("template", template=template("v2"))
    second = api.make_ready()
    for name in (first, second):
        api.settled()
        if name == second:
            with pytest.raises(exceptions.GoogleAPICallError, match="cannot be deleted"):
                api.revisions.delete_revision(name=f"{NAME}/revisions/{name}")
        else:
            api.revisions.delete_revision(name=f"{NAME}/revisions/{name}")
    assert api.plane.stopped == [first]


def test_a_deleted_service_is_gone_with_its_revisions(api: Api) -> None:
    first = api.create()
    api.services.delete_service(name=NAME)
    assert (api.plane.stopped, api.plane.routes[-1]) == ([first], ({}, {}))
    with pytest.raises(exceptions.NotFound):
        api.get()


def test_a_newer_change_supersedes_the_one_on_its_way(api: Api) -> None:
    first = api.create()
    waiting = api.update("template", template=template("v2"))
    api.update("traffic", traffic=[row(first, 100)])
    with pytest.raises(exceptions.GoogleAPICallError, match="superseded"):
        waiting.result(timeout=10)


def test_an_operation_can_be_waited_for_on_the_server() -> None:
    api = Api("grpc")
    api.create()
    name = api.update("template", template=template("v2")).operation.name
    wait = insecure_channel(f"127.0.0.1:{api.server.grpc_port}").unary_unary(
        "/google.longrunning.Operations/WaitOperation",
        request_serializer=operations_pb2.WaitOperationRequest.SerializeToString,
        response_deserializer=operations_pb2.Operation.FromString,
    )
    request = operations_pb2.WaitOperationRequest(name=name)
    request.timeout.FromMilliseconds(1)
    assert not wait(request).done
    api.make_ready()
    assert wait(operations_pb2.WaitOperationRequest(name=name)).done
    api.stop()


def test_calls_are_counted() -> None:
    api = Api("grpc")
    api.create()
    before = api.server.snapshot()["calls"]["get_service"]
    api.get()
    snapshot = api.server.snapshot()
    assert snapshot["calls"]["get_service"] == before + 1
    assert snapshot["services"]["web"]["etag"] == api.get().etag
    api.stop()
