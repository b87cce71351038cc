"""What can go wrong, sorted by what Pub/Sub must be told.

A `PermanentError` is recorded on `rejected-events` and acked: no redelivery can mend it.
A `TransientError` is raised to the door, answered 503 and redelivered with backoff.
Anything else is our bug: it is not caught, answered 500, and ends in the dead letters.
"""


class DeliveryError(Exception):
    """The base of every error the system names."""


class PermanentError(DeliveryError):
    """No redelivery of this message can succeed."""


class InvalidEvent(PermanentError):
    """A message breaks its contract; `field` names the part at fault ("incident.state")."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class InvalidRecord(PermanentError):
    """The rollout record on a service cannot be read; a person must look before anything moves."""


class Unauthenticated(DeliveryError):
    """The caller did not prove who it is; answered 401, which Pub/Sub retries."""


class TransientError(DeliveryError):
    """The same message may succeed later."""


class Conflict(TransientError):
    """Somebody else wrote the service first: read again and decide again."""


class Unavailable(TransientError):
    """An API is down, over quota or too slow."""


class Throttled(Unavailable):
    """A quota is used up: the call was refused, and nothing of it was done."""


class NewerRecord(TransientError):
    """A later version of our code wrote the record: an instance of it reads it when the message comes again."""


class NotFound(DeliveryError):
    """The named resource does not exist."""
