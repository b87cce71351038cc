"""A small server at the paths a Google client calls, which keeps every request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from scripts.local_cloud.gapic.wire import serve_grpc, wire_table


class Recorder:
    """Answers each call with what `answers` holds for it: a message, or something to call with the request."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.requests: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Callable[[Any, Any], Any]:
        if name not in self.answers:
            raise AttributeError(name)

        def answer(request: Any, _metadata: Any) -> Any:
            self.requests.append((name, request))
            found = self.answers[name]
            return found(request) if callable(found) else found

        return answer

    @property
    def calls(self) -> list[str]:
        return [name for name, _request in self.requests]


@contextmanager
def served(recorder: Recorder, *transports: Any) -> Iterator[str]:
    """The endpoint, "host:port"."""
    server, port = serve_grpc([(wire_table(transport), recorder) for transport in transports])
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=0)
