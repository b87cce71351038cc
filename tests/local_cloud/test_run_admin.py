"""The local Cloud Run Admin API, driven by Google's own client over gRPC and REST."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.longrunning import operations_pb2

from scripts.local_cloud.contracts import PARENT
from scripts.local_cloud.run.checks import LATEST
from shared.adapters.google_api import insecure_channel
from tests.local_cloud.run_client import NAME, Api, row, short, template, wanted


@pytest.fixture(params=["grpc", "rest"])
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    api = Api(request.param)
    yield api
    api.stop()


# ---------------------------------------------------------------------------------------------------- who writes


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


def test_missing_may_be_allowed(api: Api) -> None:
    change = wanted("v1")
    change.name = NAME
    api.services.update_service(request=run_v2.UpdateServiceRequest(service=change, allow_missing=True))
    assert api.make_ready() in api.plane.started


# ------------------------------------------------------------------------------------------------ what is refused


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


# ------------------------------------------------------------------------------------- lists, deletes, operations


def test_lists_come_in_pages(api: Api) -> None:
    api.create()
    for version in ("v2", "v3"):
        api.update("template", template=template(version))
    pages = api.revisions.list_revisions(request=run_v2.ListRevisionsRequest(parent=NAME, page_size=2))
    assert [len(page.revisions) for page in pages.pages] == [2, 1]
    assert [short(service.name) for service in api.services.list_services(parent=PARENT)] == ["web"]
    with pytest.raises(exceptions.BadRequest, match="page_token"):
        api.revisions.list_revisions(request=run_v2.ListRevisionsRequest(parent=NAME, page_token="x"))


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
