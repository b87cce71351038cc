"""Plain objects served over gRPC at the paths a GAPIC client calls."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import Any

import grpc

from scripts.local_cloud.gapic.interception import Intercept, grpc_call, straight
from scripts.local_cloud.gapic.table import Fail, Method, Table

HOST = "127.0.0.1"
WORKERS_MAX = 128


class _Service(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs alone
    def __init__(self, table: Table, implementation: object, intercept: Intercept) -> None:
        self._table = table
        self._implementation = implementation
        self._intercept = intercept

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        method = self._table.get(handler_call_details.method)
        answer = getattr(self._implementation, method.name, None) if method else None
        if method is None or answer is None:
            return None
        if method.streaming:
            return grpc.stream_stream_rpc_method_handler(
                _stream_handler(answer),
                request_deserializer=method.read_request,
                response_serializer=Method.write_response,
            )
        return grpc.unary_unary_rpc_method_handler(
            _unary_handler(method.name, answer, self._intercept),
            request_deserializer=method.read_request,
            response_serializer=Method.write_response,
        )


def _unary_handler(
    name: str, answer: Callable[..., Any], intercept: Intercept
) -> Callable[[Any, grpc.ServicerContext], Any]:
    def handle(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return intercept(
                grpc_call(name, request, context), lambda: answer(request, dict(context.invocation_metadata()))
            )
        except Fail as failure:
            context.abort(failure.code, failure.message)

    return handle


def _stream_handler(answer: Callable[..., Any]) -> Callable[[Iterator[Any], grpc.ServicerContext], Iterator[Any]]:
    def handle(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from answer(requests, context)
        except Fail as failure:
            context.abort(failure.code, failure.message)

    return handle


class GrpcServer(grpc.Server):
    """A server that ends whole: gRPC's own leaves its idle worker threads behind."""

    def __init__(self, server: grpc.Server, workers: futures.ThreadPoolExecutor) -> None:
        self._server = server
        self._workers = workers

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[Any]) -> None:
        self._server.add_generic_rpc_handlers(tuple(generic_rpc_handlers))

    def add_insecure_port(self, address: str) -> int:
        return self._server.add_insecure_port(address)

    def add_secure_port(self, address: str, server_credentials: grpc.ServerCredentials) -> int:
        return self._server.add_secure_port(address, server_credentials)

    def start(self) -> None:
        self._server.start()

    def wait_for_termination(self, timeout: float | None = None) -> bool:
        return self._server.wait_for_termination(timeout)

    def stop(self, grace: float | None = None) -> threading.Event:
        """Refuses new calls at once, cancels those still running after `grace` seconds; the event is set then."""
        stopped = self._server.stop(grace)
        stopped.wait()
        self._workers.shutdown(wait=False)
        return stopped


def serve_grpc(
    pairs: Iterable[tuple[Table, object]], port: int = 0, intercept: Intercept = straight
) -> tuple[GrpcServer, int]:
    """A started server on loopback and its port; end it with `server.stop(grace)`.

    An implementation has methods named as the RPCs in snake_case, `(request, metadata) -> response`; those with a
    stream are `(requests, context) -> iterator`. A method it lacks is answered UNIMPLEMENTED. Every call without a
    stream goes through `intercept`.
    """
    workers = futures.ThreadPoolExecutor(WORKERS_MAX, thread_name_prefix="grpc")
    server = GrpcServer(grpc.server(workers), workers)
    server.add_generic_rpc_handlers(tuple(_Service(table, served, intercept) for table, served in pairs))
    bound = server.add_insecure_port(f"{HOST}:{port}")
    server.start()
    return server, bound
