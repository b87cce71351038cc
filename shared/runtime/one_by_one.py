"""One task that fails stops no other: each is tried, and what went wrong is raised after the last."""

from collections.abc import Callable, Iterable

from shared.errors import PermanentError, TransientError
from shared.runtime.logs import log


def one_by_one(tasks: Iterable[Callable[[], str]]) -> list[str]:
    """What became of each, without those of which nothing is to be said.

    Raises the gravest error after all: what a redelivery may mend goes before what none can.
    """
    outcomes: list[str] = []
    errors: list[Exception] = []
    for task in tasks:
        try:
            outcomes.append(task())
        except Exception as error:  # noqa: BLE001  raised below
            severity = "INFO" if isinstance(error, TransientError) else "WARNING"
            log("task.failed", severity, reason=f"{type(error).__name__}: {error}")
            errors.append(error)
    if errors:
        raise min(errors, key=lambda error: isinstance(error, PermanentError))
    return [outcome for outcome in outcomes if outcome]
