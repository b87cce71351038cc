"""One delivery of one message to one function: the real handler, with every port behind the faults."""

import importlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, partial
from types import ModuleType
from typing import Any

from shared.config.environment import Environment
from shared.errors import Conflict, Unavailable
from shared.events.message import Message
from shared.rollout.record import Rollout
from shared.rollout.service import Service, TrafficTarget
from shared.runtime.cloud import Cloud
from tests.simulation.assets import is_complete
from tests.simulation.faults import Fault
from tests.simulation.surroundings import Surroundings
from tests.simulation.versions import AtWork, Version

LATENCY_SECONDS = (0.02, 1.2)  # until a call takes effect; what follows the effect is the next call's
SLOW_SECONDS = 60.0
SKEW_SECONDS = 3.0
THROTTLED_SECONDS = (30.0, 120.0)
READS = frozenset(
    {"get", "get_revision", "read", "existing", "keys", "newest", "freeze", "history", "probe", "load"}
    | {"pieces", "find", "sizes", "operation", "operations", "instances", "newest_backup", "backup_settings"}
)
MOVES = frozenset({"start", "move"})
EARLIER = {"get": "earlier", "get_revision": "earlier_revision"}
"""What a stale read of Cloud Run asks for instead."""


class Crash(BaseException):
    """The instance died: nothing in the handler may catch this."""


class Denied(Exception):
    """What no adapter translates, such as PermissionDenied: nobody expects it."""


def handler(function: str) -> Callable[[Message, Cloud], str]:
    found: Callable[[Message, Cloud], str] = _module(function).handle
    return found


@cache
def _module(function: str) -> ModuleType:
    return importlib.import_module(f"functions.{function}.handler")


class Reached:
    """A port as one turn reaches it: each of its operations is a call of `reach`."""

    __slots__ = ("_reach",)

    def __init__(self, reach: Callable[..., Any]) -> None:
        self._reach = reach

    def __getattribute__(self, operation: str) -> Callable[..., Any]:
        return partial(object.__getattribute__(self, "_reach"), operation)


class Asked:
    """The metrics as one turn reaches them: the call is the one that waits for the answer."""

    __slots__ = ("_reach",)

    def __init__(self, reach: Callable[..., Any]) -> None:
        self._reach = reach

    def ask(self, *question: Any) -> Callable[[], Any]:
        return partial(self._reach, "history", *question)


def _port(name: str, kind: Callable[..., Any] = Reached) -> Any:
    return property(lambda turn: kind(partial(turn.reach, name, getattr(turn._surroundings, name))))


class Turn:
    """The `Cloud` of one delivery.

    seen: the record and traffic it read or wrote last, by service; frozen: the environment's freeze it read.
    version: of our code that takes it. troubled: some call of it failed.
    frozen_at: a time that stands still, and then nothing fails.
    """

    def __init__(
        self,
        function: str,
        message: Message,
        surroundings: Surroundings,
        *,
        frozen_at: datetime | None = None,
        version: Version | None = None,
    ) -> None:
        self.version = version or surroundings.version()
        self.function = function
        self.message = message
        self.seen: dict[str, tuple[str, tuple[TrafficTarget, ...]]] = {}
        self.frozen = surroundings.ledger.frozen
        self.troubled = False
        self._stored = len(surroundings.objects.contents)
        self._surroundings = surroundings
        skewed = not frozen_at and surroundings.faults.strikes(Fault.CLOCK_SKEW)
        self.skew = surroundings.random.uniform(-SKEW_SECONDS, SKEW_SECONDS) if skewed else 0.0
        self.frozen_at = frozen_at
        self.decided_at = surroundings.timeline.now

    services = _port("services")
    messages = _port("messages")
    metrics = _port("metrics", Asked)
    ledger = _port("ledger")
    prober = _port("prober")
    objects = _port("objects")
    databases = _port("databases")
    artifacts = _port("artifacts")  # no function reaches these here: there is no such port, and asking fails

    @property
    def clock(self) -> "Turn":
        return self

    @property
    def environment(self) -> Environment:
        return self._surroundings.environment

    def undisturbed(self) -> bool:
        """Whether nothing failed, and what others write besides services is as it was when it began."""
        ledger, objects = self._surroundings.ledger, self._surroundings.objects
        return not self.troubled and (self.frozen, self._stored) == (ledger.frozen, len(objects.contents))

    def answered(self) -> set[str]:
        """Revisions that passed a probe."""
        return self._surroundings.prober.answered

    def complete(self, rollout: Rollout) -> bool:
        """Whether the files of its release are where they are served from."""
        return is_complete(self._surroundings.objects, rollout.release.digest)

    def now(self) -> datetime:
        self.decided_at = self.frozen_at or self._surroundings.timeline.now + timedelta(seconds=self.skew)
        return self.decided_at

    def run(self) -> str:
        with AtWork(self.version):
            return handler(self.function)(self.message, self)

    def reach(self, name: str, port: object, operation: str, *arguments: Any, **options: Any) -> Any:
        """One port call: it takes time, it may fail before or after its effect, it may be the instance's last."""
        if self.frozen_at:
            return self._acting(port, operation, arguments, options)
        surroundings = self._surroundings
        slow, drawn = surroundings.faults.of_call()
        fault = drawn and self._befalling(drawn, operation)
        if fault is Fault.CRASH_BEFORE:
            raise Crash(f"before {name}.{operation}")
        surroundings.timeline.wait(SLOW_SECONDS if slow else surroundings.random.uniform(*LATENCY_SECONDS))
        if (fault or surroundings.down or surroundings.throttled) and (
            refusal := self._refusal(name, operation, fault)
        ):
            self.troubled = True
            raise refusal
        if fault is Fault.STALE_READ:
            return getattr(port, EARLIER[operation])(*arguments)
        answer = self._acting(port, operation, arguments, options)
        if fault is Fault.ANSWER_LOST:
            self.troubled = True
            raise Unavailable(f"{name}.{operation}: the answer was lost")
        if fault is Fault.CRASH_AFTER:
            raise Crash(f"after {name}.{operation}")
        return answer

    def _befalling(self, drawn: Fault, operation: str) -> Fault | None:
        if drawn is Fault.STALE_READ and operation not in EARLIER:
            return None
        if drawn is Fault.THROTTLED and operation in READS:
            return None
        self._surroundings.faults.struck(drawn)
        return drawn

    def _refusal(self, port: str, operation: str, fault: Fault | None) -> Exception | None:
        """Nothing was done, and this is how the caller is told so."""
        surroundings = self._surroundings
        name = f"{port}.{operation}"
        if port in surroundings.down:
            return surroundings.down[port](f"{name}: down")
        if fault is Fault.REFUSED:
            return Unavailable(f"{name}: 503")
        if fault is Fault.DENIED:
            return Denied(f"{name}: 403")
        if operation in READS or surroundings.faults.over:
            return None
        if fault is Fault.THROTTLED:
            surroundings.throttled[port] = surroundings.timeline.seconds + surroundings.random.uniform(
                *THROTTLED_SECONDS
            )
        throttled = surroundings.timeline.seconds < surroundings.throttled.get(port, 0.0)
        return Unavailable(f"{name}: 429") if throttled else None

    def _acting(self, port: object, operation: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        surroundings = self._surroundings
        surroundings.acting = None if operation in READS else self
        try:
            answer = getattr(port, operation)(*arguments, **options)
        except Conflict:
            surroundings.races += operation in MOVES
            raise
        finally:
            surroundings.acting = None
        if operation == "freeze":
            self.frozen = answer
        elif operation in MOVES:
            self.seen[arguments[0].name] = (options["record"], tuple(options["traffic"]))
        elif isinstance(answer, Service):
            self.seen[answer.name] = (answer.record, answer.traffic)
        return answer
