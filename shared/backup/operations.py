"""What Cloud SQL says of a long-running operation: an operation can be done and still have failed."""

from datetime import datetime, timedelta
from enum import StrEnum

from shared.values import value


class OperationKind(StrEnum):
    """Cloud SQL's own words; any other operation is somebody else's. A "backup" is never an export."""

    EXPORT = "EXPORT"
    IMPORT = "IMPORT"
    CREATE = "CREATE"
    CREATE_DATABASE = "CREATE_DATABASE"
    DELETE = "DELETE"
    OTHER = "OTHER"


@value
class Operation:
    """One operation on one instance.

    done: it has ended, well or not; problem: why it failed, or ""; uri: of the object it writes or reads, or "".
    """

    name: str
    kind: OperationKind
    instance: str
    asked_at: datetime
    ended_at: datetime | None = None
    done: bool = False
    problem: str = ""
    uri: str = ""

    @property
    def succeeded(self) -> bool:
        return self.done and not self.problem

    def late(self, now: datetime, patience: timedelta) -> bool:
        """Whether it still runs although it should have ended."""
        return not self.done and now - self.asked_at > patience
