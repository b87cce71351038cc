"""The HTTP door of every function: who calls, what came, what happened, and what Pub/Sub is told about it."""

import gc
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from flask import Request
from flask.typing import ResponseReturnValue

from shared.errors import PermanentError, TransientError, Unauthenticated
from shared.events.message import Message
from shared.runtime import envelope, rejections
from shared.runtime.caller import Caller
from shared.runtime.cloud import Cloud
from shared.runtime.logs import clipped, follow, log

Handler = Callable[[Message, Cloud], str]
_NEW_OBJECTS: Final = 20_000  # until garbage is looked for; a start makes many, which stay


def open_door(
    name: str, handle: Handler, cloud_factory: Callable[[], Cloud]
) -> Callable[[Request], ResponseReturnValue]:
    """The function that answers requests. Nothing is built before the first one, and everything only once."""
    gc.set_threshold(_NEW_OBJECTS)
    lock = threading.Lock()
    built: list[tuple[Caller, Cloud]] = []

    def once() -> tuple[Caller, Cloud]:
        with lock:
            if not built:
                built.append((Caller.from_environment(os.environ), cloud_factory()))
        return built[0]

    def answer(request: Request) -> ResponseReturnValue:
        caller, cloud = once()
        try:
            caller.check(request.headers.get("Authorization", ""), datetime.now(UTC))
        except Unauthenticated as error:
            log(f"{name}.refused", "WARNING", reason=str(error))
            return str(error), 401
        if request.method != "POST":
            return "only POST", 405
        return _take(name, handle, cloud, request)

    return answer


def _take(name: str, handle: Handler, cloud: Cloud, request: Request) -> ResponseReturnValue:
    body = request.get_data()
    if len(body) < (request.content_length or 0):  # the server hands out what came before its sender hung up
        log(f"{name}.later", "INFO", reason=f"{len(body)} of {request.content_length} bytes came")
        return "the body broke off", 503
    try:
        message = envelope.read({key.lower(): value for key, value in request.headers}, body, request.full_path)
        follow(message.trace, cloud.environment.project)
        outcome = handle(message, cloud)
    except PermanentError as error:
        return _reject(name, cloud, request, body, error)
    except TransientError as error:
        log(f"{name}.later", "INFO", reason=f"{type(error).__name__}: {error}")
        return str(error), 503
    log(f"{name}.done", topic=message.topic, message_id=message.id, outcome=outcome)
    return clipped(outcome), 200


def _reject(name: str, cloud: Cloud, request: Request, body: bytes, error: PermanentError) -> ResponseReturnValue:
    """Keeps the whole request with the reason, then acks: no redelivery can mend it.

    What is too large to be wrapped in a message is refused until Pub/Sub keeps it as a dead letter.
    """
    if len(body) > rejections.BODY_BYTES_MAX:
        reason = clipped(str(error))
        log(f"{name}.rejected", "WARNING", reason=reason, kept="as a dead letter, for its size")
        return f"rejected, and too large to keep: {reason}", 503
    content_type = request.headers.get("Content-Type", "")
    try:
        reason = rejections.keep(cloud, name, error, path=request.full_path, body=body, content_type=content_type)
    except TransientError as later:
        return str(later), 503
    return f"rejected: {reason}", 200
