"""What a person wants: imperative, with who, why and a request id that makes a repeat a no-op."""

from datetime import datetime
from enum import StrEnum

from shared.values import value


class Verb(StrEnum):
    ROLLBACK = "rollback"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    RELEASE_PIN = "release_pin"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


TAKING_BACK = frozenset({Verb.ROLLBACK, Verb.ABORT})


@value
class Command:
    """One operator's message. at: when it was published, so that a replayed one stays old.

    frozen: why the environment may not advance, or ""; read when the command is taken, not sent.
    """

    verb: Verb
    service: str
    by: str
    why: str
    request_id: str
    at: datetime
    frozen: str = ""

    @property
    def key(self) -> str:
        return f"command/{self.request_id}"
