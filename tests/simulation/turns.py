"""One delivery of one message to one function: the real handler, with every port behind the faults."""

import importlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from shared.config.environment import Environment
from shared.errors import Unavailable
from shared.events.message import Message
from shared.rollout.service import Service, TrafficTarget
from shared.runtime.cloud import Cloud
from tests.simulation.deployment import CloudRun
from tests.simulation.faults import Fault
from tests.simulation.surroundings import Surroundings

LATENCY_SECONDS = (0.01, 0.6)
SLOW_SECONDS = 60.0
SKEW_SECONDS = 3.0
READS = frozenset({"get", "get_revision", "read", "existing", "newest", "freeze", "history", "probe"})


class Crash(BaseException):
    """The instance died: nothing in the handler may catch this."""


def handler(function: str) -> Callable[[Message, Cloud], str]:
    found: Callable[[Message, Cloud], str] = importlib.import_module(f"functions.{function}.handler").handle
    return found


class Turn:
    """The `Cloud` of one delivery.

    seen: the record and traffic it read or wrote last, by service; frozen: the environment's freeze it read.
    frozen_at: a time that stands still, and then nothing fails.
    """

    def __init__(
        self, function: str, message: Message, surroundings: Surroundings, *, frozen_at: datetime | None = None
    ) -> None:
        self.function = function
        self.message = message
        self.seen: dict[str, tuple[str, tuple[TrafficTarget, ...]]] = {}
        self.frozen = surroundings.ledger.frozen
        self.clock = self
        self._surroundings = surroundings
        skewed = not frozen_at and surroundings.faults.strikes(Fault.CLOCK_SKEW)
        self.skew = surroundings.random.uniform(-SKEW_SECONDS, SKEW_SECONDS) if skewed else 0.0
        self.frozen_at = frozen_at
        self.decided_at = surroundings.timeline.now
        for port in ("services", "messages", "metrics", "ledger", "prober"):
            setattr(self, port, Reached(port, getattr(surroundings, port), self))

    services: Any
    messages: Any
    metrics: Any
    ledger: Any
    prober: Any
    databases: Any  # no function of the rollout reaches these here: there is no such port, and asking would fail
    objects: Any
    artifacts: Any

    @property
    def environment(self) -> Environment:
        return self._surroundings.environment

    def now(self) -> datetime:
        self.decided_at = self.frozen_at or self._surroundings.timeline.now + timedelta(seconds=self.skew)
        return self.decided_at

    def run(self) -> str:
        return handler(self.function)(self.message, self)

    def reach(self, port: str, operation: str, call: Callable[[], Any], stale: Callable[[], Any] | None) -> Any:
        """One port call: it takes time, it may fail before or after its effect, it may be the instance's last."""
        surroundings = self._surroundings
        if self.frozen_at:
            return self._acting(operation, call)
        faults, timeline, random = surroundings.faults, surroundings.timeline, surroundings.random
        name = f"{port}.{operation}"
        if faults.strikes(Fault.CRASH_BEFORE):
            raise Crash(f"before {name}")
        timeline.wait(SLOW_SECONDS if faults.strikes(Fault.SLOW) else random.uniform(*LATENCY_SECONDS))
        if port in surroundings.down or faults.strikes(Fault.REFUSED):
            raise Unavailable(f"{name}: 503")
        if stale is not None and faults.strikes(Fault.STALE_READ):
            return stale()
        answer = self._acting(operation, call)
        if faults.strikes(Fault.ANSWER_LOST):
            raise Unavailable(f"{name}: the answer was lost")
        timeline.wait(random.uniform(*LATENCY_SECONDS))
        if faults.strikes(Fault.CRASH_AFTER):
            raise Crash(f"after {name}")
        return answer

    def _acting(self, operation: str, call: Callable[[], Any]) -> Any:
        self._surroundings.acting = None if operation in READS else self
        try:
            answer = call()
        finally:
            self._surroundings.acting = None
        if operation == "freeze":
            self.frozen = answer
        if isinstance(answer, Service):
            self.seen[answer.name] = (answer.record, answer.traffic)
        return answer


class Reached:
    """A port as one turn reaches it."""

    def __init__(self, name: str, port: object, turn: Turn) -> None:
        self._name = name
        self._port = port
        self._turn = turn

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        port, turn = self._port, self._turn

        def reach(*arguments: Any, **options: Any) -> Any:
            stale = None
            if operation == "get" and isinstance(port, CloudRun):
                stale = lambda: port.earlier(*arguments)  # noqa: E731
            answer = turn.reach(self._name, operation, lambda: getattr(port, operation)(*arguments, **options), stale)
            if operation in ("start", "move"):
                turn.seen[arguments[0].name] = (options["record"], tuple(options["traffic"]))
            return answer

        return reach
