"""The Cloud Run adapter over the wire: Google's client against a server that keeps every request."""

from collections.abc import Iterator
from typing import Any

import google.auth
import grpc
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.run_v2.services.revisions.transports.grpc import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.cloud.run_v2.types import (
    Condition,
    Container,
    ContainerPort,
    Revision,
    RevisionTemplate,
    Service,
    TrafficTargetStatus,
)
from google.cloud.run_v2.types import TrafficTarget as Target
from google.cloud.run_v2.types import TrafficTargetAllocationType as Allocation
from google.longrunning.operations_pb2 import Operation

from scripts.local_cloud.gapic.wire import Fail
from shared.adapters import cloud_run
from shared.adapters.cloud_run import CloudRun
from shared.errors import Conflict, NotFound, Unavailable
from shared.rollout.service import RECORD_ANNOTATION, ROLLOUT_ANNOTATION, RevisionState, TrafficTarget
from tests.adapters.wire import Recorder, served

LATEST = Allocation.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
PINNED = Allocation.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
NAME = "projects/demo/locations/africa-south1/services/web"
STABLE, CANARY = "web-00001-aaa", "web-00002-bbb"
SPLIT = (
    TrafficTarget(revision=STABLE, percent=90, tag="stable"),
    TrafficTarget(revision=CANARY, percent=10, tag="canary"),
    TrafficTarget(revision=None, tag="edge"),
)


def service() -> Service:
    return Service(
        name=NAME,
        etag='"v1"',
        uri="https://web.example",
        labels={"team": "chat"},
        annotations={RECORD_ANNOTATION: '{"v": 1}', "team.example/owner": "ada"},
        template=RevisionTemplate(
            revision="web-named-by-hand",
            annotations={ROLLOUT_ANNOTATION: "r1", "foreign": "kept"},
            labels={"nonce": "x"},
            containers=[Container(image="web@sha256:1", env=[{"name": "A", "value": "b"}]), Container(image="proxy:1")],
            session_affinity=True,
            max_instance_request_concurrency=7,
        ),
        traffic=[
            Target(type_=PINNED, revision=STABLE, percent=100, tag="stable"),
            Target(type_=LATEST, tag="canary"),
        ],
        traffic_statuses=[
            TrafficTargetStatus(type_=PINNED, revision=STABLE, percent=60, tag="stable", uri="https://stable---web"),
            TrafficTargetStatus(type_=PINNED, revision=STABLE, percent=30),
            TrafficTargetStatus(type_=LATEST, percent=10, tag="canary", uri="https://canary---web"),
        ],
        latest_created_revision=f"{NAME}/revisions/{CANARY}",
        latest_ready_revision=f"{NAME}/revisions/{CANARY}",
        reconciling=True,
    )


@pytest.fixture
def server() -> Recorder:
    return Recorder(
        get_service=lambda _request: service(), update_service=Operation(name="op"), get_revision=Revision()
    )


@pytest.fixture
def run(server: Recorder) -> Iterator[CloudRun]:
    with served(server, ServicesGrpcTransport, RevisionsGrpcTransport) as endpoint:
        adapter = CloudRun("demo", "africa-south1", endpoint)
        yield adapter
        adapter.close()


def failing(code: grpc.StatusCode, message: str = "") -> Any:
    def answer(_request: Any) -> Any:
        raise Fail(code, message)

    return answer


def test_a_read_is_one_call_and_tells_all_that_the_rollout_needs(run: CloudRun, server: Recorder) -> None:
    read = run.get("web")
    assert server.calls == ["get_service"]
    assert server.requests[0][1].name == NAME
    assert (read.name, read.etag, read.uri) == ("web", '"v1"', "https://web.example")
    assert (read.record, read.image, read.rollout_id) == ('{"v": 1}', "web@sha256:1", "r1")
    assert read.traffic == (
        TrafficTarget(revision=STABLE, percent=100, tag="stable"),
        TrafficTarget(revision=None, percent=0, tag="canary"),
    )
    assert read.tag_uris == {"stable": "https://stable---web", "canary": "https://canary---web"}
    assert read.tagged == {"stable": STABLE}, "what follows LATEST leads nobody knows where while that may change"
    assert read.serving == {STABLE: 90, CANARY: 10}
    assert (read.latest_created, read.latest_ready) == (CANARY, CANARY)
    assert read.reconciling
    assert read.session_affinity


def test_an_address_that_follows_the_latest_revision_leads_to_the_newest_ready_one(
    run: CloudRun, server: Recorder
) -> None:
    server.answers["get_service"] = Service(
        name=NAME,
        etag="e",
        traffic_statuses=[TrafficTargetStatus(type_=LATEST, tag="canary", uri="https://canary---web")],
        latest_ready_revision=f"{NAME}/revisions/{STABLE}",
    )
    assert run.get("web").tagged == {"canary": STABLE}


def test_a_service_never_touched_reads_as_empty(run: CloudRun, server: Recorder) -> None:
    server.answers["get_service"] = Service(name=NAME, etag="e")
    read = run.get("web")
    assert (read.record, read.image, read.rollout_id, read.traffic) == ("", "", "", ())
    assert (read.reconciling, read.session_affinity, read.serving, read.tag_uris) == (False, False, {}, {})


def test_a_move_is_one_masked_write_of_traffic_and_annotations_under_the_etag(run: CloudRun, server: Recorder) -> None:
    read = run.get("web")
    server.requests.clear()
    run.move(read, record='{"v": 2}', traffic=SPLIT)
    assert server.calls == ["update_service"]
    request = server.requests[0][1]
    assert sorted(request.update_mask.paths) == ["annotations", "traffic"]
    assert (request.service.name, request.service.etag) == (NAME, '"v1"')
    assert [(row.type_, row.revision, row.percent, row.tag) for row in request.service.traffic] == [
        (PINNED, STABLE, 90, "stable"),
        (PINNED, CANARY, 10, "canary"),
        (LATEST, "", 0, "edge"),
    ]
    assert dict(request.service.annotations) == {RECORD_ANNOTATION: '{"v": 2}', "team.example/owner": "ada"}
    assert "template" not in request.service
    assert not request.service.labels


def test_a_start_changes_the_first_image_and_the_rollout_id_and_nothing_else_of_the_template(
    run: CloudRun, server: Recorder
) -> None:
    read = run.get("web")
    server.requests.clear()
    run.start(read, record="{}", image="web@sha256:2", rollout_id="r2", traffic=SPLIT)
    assert server.calls == ["update_service"]
    request = server.requests[0][1]
    assert sorted(request.update_mask.paths) == ["annotations", "template", "traffic"]
    assert request.service.etag == '"v1"'
    expected = service().template
    expected.revision = ""
    expected.containers[0].image = "web@sha256:2"
    expected.annotations[ROLLOUT_ANNOTATION] = "r2"
    assert request.service.template == expected


def with_sidecars_first(image: str) -> list[Container]:
    return [
        Container(image="proxy:1"),
        Container(image=image, ports=[ContainerPort(container_port=8080)]),
        Container(image="metrics:1"),
    ]


def test_a_start_changes_the_container_that_has_the_port_wherever_its_sidecars_stand(
    run: CloudRun, server: Recorder
) -> None:
    found = service()
    found.template.containers = with_sidecars_first("web@sha256:1")
    server.answers |= {
        "get_service": found,
        "get_revision": Revision(name=CANARY, containers=with_sidecars_first("web@sha256:1")),
    }
    read = run.get("web")
    assert (read.image, run.get_revision("web", CANARY).image) == ("web@sha256:1", "web@sha256:1")
    run.start(read, record="{}", image="web@sha256:2", rollout_id="r2", traffic=SPLIT)
    assert list(server.requests[-1][1].service.template.containers) == with_sidecars_first("web@sha256:2")


def test_a_start_leaves_the_read_as_it_was(run: CloudRun, server: Recorder) -> None:
    read = run.get("web")
    for rollout in ("r2", "r3"):
        run.start(read, record=rollout, image=f"web@sha256:{rollout}", rollout_id=rollout, traffic=SPLIT)
    last = server.requests[-1][1].service
    assert last.template.containers[0].image == "web@sha256:r3"
    assert last.annotations[RECORD_ANNOTATION] == "r3"
    assert run._current(read).template == service().template


def test_another_instances_read_is_read_again_and_conflicts_when_it_is_stale(run: CloudRun, server: Recorder) -> None:
    with served(server, ServicesGrpcTransport) as endpoint:
        other = CloudRun("demo", "africa-south1", endpoint)
        read = other.get("web")
        other.close()
    server.requests.clear()
    run.move(read, record="{}", traffic=SPLIT)
    assert server.calls == ["get_service", "update_service"]
    newer = service()
    newer.etag = '"v2"'
    server.answers["get_service"] = newer
    fresh = CloudRun("demo", "africa-south1", run._endpoint)
    with pytest.raises(Conflict):
        fresh.move(read, record="{}", traffic=SPLIT)
    fresh.close()
    assert server.calls[-1] == "get_service"


def test_only_so_many_reads_are_kept(run: CloudRun, server: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_run, "_READS_KEPT", 2)
    for number in range(4):
        row = service()
        row.etag = str(number)
        server.answers["get_service"] = row
        run.get("web")
    assert [etag for _name, etag in run._reads] == ["2", "3"]


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        (Condition(type_="Ready", state=Condition.State.CONDITION_SUCCEEDED), RevisionState.READY),
        (Condition(type_="Ready", state=Condition.State.CONDITION_FAILED, message="no port"), RevisionState.FAILED),
        (Condition(type_="Ready", state=Condition.State.CONDITION_RECONCILING), RevisionState.PENDING),
        (Condition(type_="Ready", state=Condition.State.CONDITION_PENDING), RevisionState.PENDING),
        (Condition(type_="Active", state=Condition.State.CONDITION_FAILED), RevisionState.PENDING),
    ],
)
def test_a_revisions_state_is_its_ready_condition(
    run: CloudRun, server: Recorder, condition: Condition, state: RevisionState
) -> None:
    retired = Condition(type_="ContainerHealthy", state=Condition.State.CONDITION_SUCCEEDED)
    server.answers["get_revision"] = Revision(
        name=f"{NAME}/revisions/{CANARY}",
        annotations={ROLLOUT_ANNOTATION: "r2"},
        containers=[Container(image="web@sha256:2")],
        conditions=[retired, condition],
    )
    revision = run.get_revision("web", CANARY)
    assert server.requests[0][1].name == f"{NAME}/revisions/{CANARY}"
    assert (revision.name, revision.image, revision.rollout_id) == (CANARY, "web@sha256:2", "r2")
    assert revision.state is state
    assert revision.message == (condition.message if condition.type_ == "Ready" else "")


def test_a_missing_revision_is_a_state_and_a_missing_service_an_error(run: CloudRun, server: Recorder) -> None:
    server.answers |= {
        "get_revision": failing(grpc.StatusCode.NOT_FOUND),
        "get_service": failing(grpc.StatusCode.NOT_FOUND),
    }
    assert run.get_revision("web", "web-00009-zzz").state is RevisionState.MISSING
    with pytest.raises(NotFound):
        run.get("web")


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (grpc.StatusCode.ABORTED, "Conflict for resource 'web'", Conflict),
        (grpc.StatusCode.FAILED_PRECONDITION, "etag does not match", Conflict),
        (grpc.StatusCode.NOT_FOUND, "", NotFound),
        (grpc.StatusCode.UNAVAILABLE, "", Unavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", Unavailable),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota", Unavailable),
        (grpc.StatusCode.INTERNAL, "", Unavailable),
    ],
)
def test_a_failed_write_is_named_and_never_repeated(
    run: CloudRun, server: Recorder, code: grpc.StatusCode, message: str, error: type[Exception]
) -> None:
    read = run.get("web")
    server.requests.clear()
    server.answers["update_service"] = failing(code, message)
    with pytest.raises(error):
        run.move(read, record="{}", traffic=SPLIT)
    assert server.calls == ["update_service"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, exceptions.PermissionDenied),
        (grpc.StatusCode.INVALID_ARGUMENT, exceptions.InvalidArgument),
        (grpc.StatusCode.FAILED_PRECONDITION, exceptions.FailedPrecondition),
    ],
)
def test_an_error_of_ours_is_not_dressed_up_as_one_that_passes(
    run: CloudRun, server: Recorder, code: grpc.StatusCode, error: type[Exception]
) -> None:
    read = run.get("web")
    server.answers["update_service"] = failing(code, "ours")
    with pytest.raises(error, match="ours"):
        run.move(read, record="{}", traffic=SPLIT)


def test_a_read_is_repeated_while_the_service_is_unavailable(run: CloudRun, server: Recorder) -> None:
    def second_time(_request: Any) -> Service:
        if len(server.requests) < 2:
            raise Fail(grpc.StatusCode.UNAVAILABLE, "")
        return service()

    server.answers["get_service"] = second_time
    assert run.get("web").etag == '"v1"'
    assert server.calls == ["get_service"] * 2


def test_without_an_endpoint_it_is_google_and_nothing_is_asked_before_the_first_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def default(**_options: object) -> tuple[AnonymousCredentials, str]:
        asked.append("credentials")
        return AnonymousCredentials(), "demo"

    monkeypatch.setattr(google.auth, "default", default)
    run = CloudRun("demo", "africa-south1", None)
    assert asked == []
    assert run._services.transport.host == "run.googleapis.com:443"
    assert run._revisions.transport.host == "run.googleapis.com:443"
    assert asked == ["credentials"]
    run.close()
