"""Any service from its installed client: here Cloud Run Admin, over both wires, by Google's own client."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.cloud.run_v2.services.services.transports.rest_base import _BaseServicesRestTransport
from google.longrunning import operations_pb2

from scripts.local_cloud.gapic import wire

PARENT = "projects/p/locations/africa-south1"
NAME = f"{PARENT}/services/web"
OPERATION = f"{PARENT}/operations/one"


class Services:
    """Keeps every request; answers from it."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str]] = []
        self.failure: wire.Fail | None = None

    def _keep(self, request: Any, metadata: dict[str, str]) -> None:
        self.requests.append(request)
        self.metadata.append(metadata)
        if self.failure:
            raise self.failure

    def get_service(self, request: Any, metadata: dict[str, str]) -> run_v2.Service:
        self._keep(request, metadata)
        return run_v2.Service(name=request.name, etag="1")

    def update_service(self, request: Any, metadata: dict[str, str]) -> operations_pb2.Operation:
        self._keep(request, metadata)
        return self._operation(request.service)

    def get_operation(self, request: Any, metadata: dict[str, str]) -> operations_pb2.Operation:
        self._keep(request, metadata)
        return self._operation(run_v2.Service(name=NAME))

    wait_operation = get_operation

    def _operation(self, service: run_v2.Service) -> operations_pb2.Operation:
        packed = wire.pack_any(service, "google.cloud.run.v2.Service")
        return operations_pb2.Operation(name=OPERATION, done=True, response=packed, metadata=packed)


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def grpc_client(services: Services) -> Iterator[run_v2.ServicesClient]:
    table = wire.wire_table(ServicesGrpcTransport)
    server, port = wire.serve_grpc([(table, services), (wire.OPERATIONS_TABLE, services)])
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    with run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=channel)) as client:
        yield client
    server.stop(1)


@pytest.fixture
def rest_port(services: Services) -> Iterator[int]:
    routes = wire.rest_routes(_BaseServicesRestTransport, wire.wire_table(ServicesGrpcTransport))
    server, port = wire.serve_rest([(routes, services), (wire.OPERATION_ROUTES, services)])
    yield port
    server.stop()


@pytest.fixture
def rest_client(rest_port: int) -> Iterator[run_v2.ServicesClient]:
    with run_v2.ServicesClient(
        transport="rest",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": f"http://127.0.0.1:{rest_port}"},
    ) as client:
        yield client


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest) -> run_v2.ServicesClient:
    client: run_v2.ServicesClient = request.getfixturevalue(f"{request.param}_client")
    return client


def test_a_request_arrives_as_it_was_sent(client: run_v2.ServicesClient, services: Services) -> None:
    answer = client.get_service(name=NAME, metadata=[("x-told", "yes")])
    assert (answer.name, answer.etag) == (NAME, "1")
    assert services.requests == [run_v2.GetServiceRequest(name=NAME)]
    assert services.metadata[0]["x-told"] == "yes"


def test_body_mask_and_path_make_one_request(client: run_v2.ServicesClient, services: Services) -> None:
    service = run_v2.Service(
        name=NAME,
        etag="7",
        annotations={"pushnchat.dev/record": "{}"},
        traffic=[run_v2.TrafficTarget(revision="web-00001-aaa", percent=100)],
    )
    request = run_v2.UpdateServiceRequest(service=service, update_mask={"paths": ["traffic", "annotations"]})
    operation = client.update_service(request=request)
    assert services.requests == [request]
    assert operation.result(5).traffic == service.traffic


@pytest.mark.parametrize(
    ("code", "over_grpc", "over_rest"),
    [
        (grpc.StatusCode.NOT_FOUND, exceptions.NotFound, exceptions.NotFound),
        (grpc.StatusCode.ABORTED, exceptions.Aborted, exceptions.Conflict),
        (grpc.StatusCode.INVALID_ARGUMENT, exceptions.InvalidArgument, exceptions.BadRequest),
        (grpc.StatusCode.PERMISSION_DENIED, exceptions.PermissionDenied, exceptions.Forbidden),
    ],
)
@pytest.mark.parametrize("over", ["grpc", "rest"])
def test_a_failure_is_the_clients_own_exception(
    request: pytest.FixtureRequest,
    services: Services,
    over: str,
    code: grpc.StatusCode,
    over_grpc: type[Exception],
    over_rest: type[Exception],
) -> None:
    services.failure = wire.Fail(code, "said so")
    with pytest.raises(over_grpc if over == "grpc" else over_rest, match="said so"):
        request.getfixturevalue(f"{over}_client").get_service(name=NAME)


def test_a_method_nobody_implements_is_said_to_be_so(grpc_client: run_v2.ServicesClient) -> None:
    with pytest.raises(exceptions.MethodNotImplemented):
        grpc_client.delete_service(name=NAME)


@pytest.fixture
def ask(rest_port: int) -> Iterator[Callable[..., tuple[int, dict[str, Any]]]]:
    connection = http.client.HTTPConnection("127.0.0.1", rest_port, timeout=10)

    def ask(verb: str, path: str, body: str | None = None) -> tuple[int, dict[str, Any]]:
        connection.request(verb, path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    yield ask
    connection.close()


def test_operations_are_read_and_waited_for_at_their_paths(ask: Callable[..., tuple[int, Any]]) -> None:
    for verb, suffix in (("GET", ""), ("POST", ":wait")):
        status, operation = ask(verb, f"/v2/{OPERATION}{suffix}")
        assert (status, operation["name"], operation["done"]) == (200, OPERATION, True)
        assert operation["response"] == {"@type": "type.googleapis.com/google.cloud.run.v2.Service", "name": NAME}


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "reason"),
    [
        ("GET", "/v2/nothing", None, 404, "NOT_FOUND"),
        ("DELETE", f"/v2/{NAME}", None, 404, "NOT_FOUND"),
        ("GET", f"/v2/{NAME}?noSuchField=1", None, 400, "INVALID_ARGUMENT"),
        ("PATCH", f"/v2/{NAME}", "{", 400, "INVALID_ARGUMENT"),
        ("PATCH", f"/v2/{NAME}", '{"noSuchField": 1}', 400, "INVALID_ARGUMENT"),
    ],
)
def test_a_request_that_fits_no_message_is_refused_in_the_form_of_google(
    ask: Callable[..., tuple[int, Any]], verb: str, path: str, body: str | None, status: int, reason: str
) -> None:
    answered, content = ask(verb, path, body)
    assert answered == status
    assert (content["error"]["code"], content["error"]["status"]) == (status, reason)
    assert content["error"]["message"]


def test_system_parameters_are_no_part_of_the_request(ask: Callable[..., tuple[int, Any]], services: Services) -> None:
    status, _content = ask("GET", f"/v2/{NAME}?alt=json&prettyPrint=false&$alt=json%3Benum-encoding%3Dint")
    assert status == 200
    assert services.requests == [run_v2.GetServiceRequest(name=NAME)]


def test_stopping_hangs_up_on_clients_that_keep_their_connection() -> None:
    before = set(threading.enumerate())
    server, port = wire.serve_rest([(wire.OPERATION_ROUTES, Services())])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", f"/v2/{OPERATION}")
    assert connection.getresponse().read()
    server.stop()
    connection.close()
    assert set(threading.enumerate()) == before
