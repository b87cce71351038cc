"""The wire of a Google API is in its installed client: this reads method paths and types back out of it.

So a local server speaks exactly what the client speaks, and follows it when the client is upgraded.
"""

import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf import any_pb2


class Fail(Exception):
    """What an implementation raises to answer with a status other than OK, over gRPC and REST alike."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One RPC: its name in snake_case and its two message types, each proto-plus or plain protobuf."""

    name: str
    request: Any
    response: Any
    streaming: bool = False

    def read_request(self, data: bytes) -> Any:
        return self.request.deserialize(data) if hasattr(self.request, "pb") else self.request.FromString(data)

    @staticmethod
    def write_response(message: Any) -> bytes:
        return bytes(plain(message).SerializeToString())


Table = Mapping[str, Method]
"""Methods by wire path, `/package.Service/Method`."""

_NOT_METHODS = {"operations_client", "kind", "host", "grpc_channel"}


def plain(message: Any) -> Any:
    """The protobuf message inside a proto-plus one, or the message itself."""
    return type(message).pb(message) if hasattr(type(message), "pb") else message


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _Recorder(grpc.Channel):
    """A channel that calls nobody and keeps the path and the kind of every stub made on it."""

    def __init__(self) -> None:
        self.stubs: dict[str, bool] = {}

    def _record(self, path: str, streaming: bool) -> Callable[..., None]:
        self.stubs[path] = streaming
        return lambda *_arguments, **_options: None

    def unary_unary(self, method: str, *_arguments: Any, **_options: Any) -> Any:
        return self._record(method, False)

    def stream_stream(self, method: str, *_arguments: Any, **_options: Any) -> Any:
        return self._record(method, True)

    def unary_stream(self, method: str, *_arguments: Any, **_options: Any) -> Any:
        return self._record(method, True)

    def stream_unary(self, method: str, *_arguments: Any, **_options: Any) -> Any:
        return self._record(method, True)

    def subscribe(self, *_arguments: Any, **_options: Any) -> None: ...

    def unsubscribe(self, *_arguments: Any, **_options: Any) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(self, *_exception: object) -> None: ...


def wire_table(grpc_transport_class: Any) -> dict[str, Method]:
    """Every method of the service behind a GAPIC gRPC transport class, by wire path.

    The types come from the annotations of the transport's properties. The serializers would not do: those of plain
    protobuf messages are unbound methods of the base class, and calling them crashes the interpreter.
    """
    recorder = _Recorder()
    transport = grpc_transport_class(channel=recorder)
    transport._logged_channel = recorder  # noqa: SLF001  the transport wraps its channel in an interceptor
    transport._stubs = {}  # noqa: SLF001  it has made its stubs on the wrapped one already
    table: dict[str, Method] = {}
    for name in dir(grpc_transport_class):
        found = getattr(grpc_transport_class, name)
        if name.startswith("_") or name in _NOT_METHODS or not isinstance(found, property):
            continue
        recorder.stubs.clear()
        getattr(transport, name)
        if len(recorder.stubs) != 1:
            continue
        ((path, streaming),) = recorder.stubs.items()
        hints = typing.get_type_hints(found.fget)
        if path.startswith("/google.longrunning.") or "return" not in hints:
            continue
        (request,), response = typing.get_args(hints["return"])
        table[path] = Method(name=name, request=request, response=_awaited(response), streaming=streaming)
    return table


def _awaited(response: Any) -> Any:
    """`Union[R, Awaitable[R]]` is how base transports annotate; the gRPC ones say R."""
    choices: Sequence[Any] = typing.get_args(response)
    return choices[0] if choices else response


OPERATIONS_TABLE: dict[str, Method] = {
    f"/google.longrunning.Operations/{name}": Method(
        name=snake_case(name),
        request=getattr(operations_pb2, f"{name}Request"),
        response=operations_pb2.Operation,
    )
    for name in ("GetOperation", "WaitOperation")
}


def pack_any(message: Any, full_name: str) -> any_pb2.Any:
    """A message as google.protobuf.Any under its full name ("google.cloud.run.v2.Service")."""
    return any_pb2.Any(type_url=f"type.googleapis.com/{full_name}", value=plain(message).SerializeToString())
