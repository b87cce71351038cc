"""Long-running operations of the Cloud Run Admin API: begun with a change, done when it is true or will never be."""

import threading
import uuid
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf import any_pb2
from google.rpc import status_pb2

from scripts.local_cloud.gapic.wire import Fail, pack_any, plain

WAIT_SECONDS = 30.0  # when a caller names no timeout


class Operations:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._operations: dict[str, operations_pb2.Operation] = {}

    def begin(self, resource: Any) -> operations_pb2.Operation:
        """A copy of the new operation; its metadata is the service or revision as it was accepted."""
        location = resource.name.partition("/services/")[0]
        operation = operations_pb2.Operation(name=f"{location}/operations/{uuid.uuid4()}", metadata=_packed(resource))
        with self._changed:
            self._operations[operation.name] = operation
            return _copy(operation)

    def finish(self, name: str, resource: Any, *, code: grpc.StatusCode | None = None, why: str = "") -> None:
        """With what it made, or with an error when there is a code. Finishing twice is finishing once."""
        with self._changed:
            operation = self._operations[name]
            if operation.done:
                return
            operation.done = True
            operation.metadata.CopyFrom(_packed(resource))
            if code is None:
                operation.response.CopyFrom(_packed(resource))
            else:
                operation.error.CopyFrom(status_pb2.Status(code=code.value[0], message=why))
            self._changed.notify_all()

    def get(self, name: str) -> operations_pb2.Operation:
        with self._changed:
            return _copy(self._found(name))

    def wait(self, name: str, seconds: float = WAIT_SECONDS) -> operations_pb2.Operation:
        """The operation once it is done, or as it is after so many seconds."""
        with self._changed:
            operation = self._found(name)
            self._changed.wait_for(lambda: operation.done, timeout=seconds)
            return _copy(operation)

    def _found(self, name: str) -> operations_pb2.Operation:
        if name not in self._operations:
            raise Fail(grpc.StatusCode.NOT_FOUND, f"Operation {name} was not found.")
        return self._operations[name]


def _packed(resource: Any) -> any_pb2.Any:
    return pack_any(resource, plain(resource).DESCRIPTOR.full_name)


def _copy(operation: operations_pb2.Operation) -> operations_pb2.Operation:
    copy = operations_pb2.Operation()
    copy.CopyFrom(operation)
    return copy
