"""A place between a call and its answer, for whoever wants to count calls, spoil them or act in the middle of one."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call under way.

    peer_port: where its connection comes from, on this machine.
    hung_up: waits so many seconds for the caller to give up (its deadline passes, it dies, its line breaks); whether it
    has.
    """

    method: str
    request: Any
    peer_port: int
    hung_up: Callable[[float], bool]


Intercept = Callable[[Call, Callable[[], Any]], Any]
"""Is given the call and how to answer it; returns the answer or raises Fail. May come from many threads at once."""


def straight(_call: Call, answer: Callable[[], Any]) -> Any:
    """Every call is answered, by itself."""
    return answer()


def grpc_call(method: str, request: Any, context: grpc.ServicerContext) -> Call:
    gone = threading.Event()
    if not context.add_callback(gone.set):
        gone.set()
    return Call(method=method, request=request, peer_port=int(context.peer().rpartition(":")[2]), hung_up=gone.wait)
