"""What every adapter on Google's clients shares: one meaning for their errors, one way to wait and one to connect."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type

from shared.errors import Conflict, NotFound, Unavailable

CALL_SECONDS = 5.0  # one attempt of one call
READ_SECONDS = 8.0  # a read with all its attempts

_TRANSIENT = (
    exceptions.ServiceUnavailable,
    exceptions.GatewayTimeout,  # DeadlineExceeded is one
    exceptions.BadGateway,
    exceptions.TooManyRequests,  # ResourceExhausted is one
    exceptions.InternalServerError,
    exceptions.RetryError,
)


def read_retry() -> Retry:
    """A fresh policy for a call that changes nothing or may be repeated: again while unavailable, for eight seconds."""
    return Retry(
        predicate=if_exception_type(exceptions.ServiceUnavailable),
        initial=0.2,
        maximum=2.0,
        multiplier=2.0,
        timeout=READ_SECONDS,
    )


@contextmanager
def our_errors() -> Iterator[None]:
    """Google's exceptions leave as ours; those without a meaning here leave as they are, for they are our bugs."""
    try:
        yield
    except exceptions.NotFound as error:
        raise NotFound(error.message) from error
    except (exceptions.Conflict, exceptions.PreconditionFailed) as error:
        raise Conflict(error.message) from error
    except exceptions.FailedPrecondition as error:
        if "etag" in error.message.lower():
            raise Conflict(error.message) from error
        raise
    except _TRANSIENT as error:
        raise Unavailable(str(error)) from error


def insecure_channel(endpoint: str) -> grpc.Channel:
    """A channel to a local server, "127.0.0.1:7001". Through a proxy it would never arrive."""
    return grpc.insecure_channel(endpoint, options=[("grpc.enable_http_proxy", 0)])
