"""What goes wrong with calls from the functions to Google: which, to whom and in which order comes from a seed.

Every fault of the list befalls every method it is listed for, and ends with the list: what follows is calm.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

import grpc

from scripts.local_cloud.gapic.wire import Call, Fail

GAVE_UP_SECONDS_MAX = 60.0  # the longest deadline of a call is 15 s
CLEAN_CALLS = (1, 3)  # between two faults of one method


class Fault(StrEnum):
    REFUSED = "503, nothing done"
    THROTTLED = "429, nothing done"
    LOST = "done, answered 503"
    LATE_ANSWER = "done, answered after the caller gave up"
    LATE_EFFECT = "done only after the caller gave up"
    KILLED_BEFORE = "the caller killed, nothing done"
    KILLED_AFTER = "done, the caller killed before it heard"


READS = (Fault.REFUSED, Fault.THROTTLED, Fault.LATE_ANSWER)
WRITES = (*READS, Fault.LOST, Fault.LATE_EFFECT)
SPOILED: Mapping[str, tuple[Fault, ...]] = {
    "get_service": READS,
    "update_service": WRITES,
    "list_time_series": READS,
    "publish": WRITES,
    "get": READS,  # Cloud Storage
    "post": WRITES,
}


class Spoiler:
    """kills: functions and the method in whose call each dies: before its first effect, and after its next.
    spoiled: what befalls calls of a method.

    killed(function): kills its process, and calls `revived` when a new one is there. Nothing is spoiled until `begin`.
    """

    def __init__(
        self,
        seed: int,
        kills: Iterable[tuple[str, str]],
        killed: Callable[[str], None],
        spoiled: Mapping[str, tuple[Fault, ...]] = SPOILED,
    ) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._killed = killed
        self._begun = False
        self._kills = {(function, method): [Fault.KILLED_BEFORE, Fault.KILLED_AFTER] for function, method in kills}
        self._faults = {method: self._random.sample(faults, len(faults)) for method, faults in spoiled.items()}
        self._clean = {method: self._random.randint(*CLEAN_CALLS) for method in spoiled}
        self._dying: set[str] = set()
        self.done: Counter[tuple[str, Fault]] = Counter()  # by method, or by the function that was killed
        self.not_in_mid_turn: list[tuple[str, Fault]] = []
        self.too_late: list[str] = []  # late effects that the server refused
        self.calls: Counter[str] = Counter()

    def begin(self) -> None:
        with self._lock:
            self._begun = True

    @property
    def left(self) -> dict[str, list[Fault]]:
        """What has not happened yet."""
        with self._lock:
            owed = {f"{function}: {method}": faults for (function, method), faults in self._kills.items()}
            return {what: list(faults) for what, faults in {**owed, **self._faults}.items() if faults}

    def revived(self, function: str) -> None:
        with self._lock:
            self._dying.remove(function)

    def spoil(self, function: str, call: Call, answer: Callable[[], Any]) -> Any:
        fault = self._drawn(function, call.method)
        if fault is None:
            return answer()
        killing = fault in (Fault.KILLED_BEFORE, Fault.KILLED_AFTER)
        if killing and call.hung_up(0):
            self.not_in_mid_turn.append((function, fault))
        try:
            result = answer() if fault in (Fault.LOST, Fault.LATE_ANSWER, Fault.KILLED_AFTER) else None
        except Fail:  # a race lost: nothing was done after which something could go wrong
            self._owe_again(function, call.method, fault)
            raise
        if killing:
            self._killed(function)
        if killing or fault in (Fault.LATE_ANSWER, Fault.LATE_EFFECT):
            assert call.hung_up(GAVE_UP_SECONDS_MAX), f"{function} still waits for {call.method}"
        if fault is Fault.LATE_EFFECT:
            try:
                result = answer()
            except Fail as refusal:
                self.too_late.append(f"{call.method}: {refusal.message}")
                raise
        if fault is Fault.THROTTLED:
            raise Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for this minute.")
        if fault is Fault.LATE_ANSWER or fault is Fault.LATE_EFFECT:
            return result
        raise Fail(grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.")

    def _owe_again(self, function: str, method: str, fault: Fault) -> None:
        """It befalls a later call."""
        with self._lock:
            if fault is Fault.KILLED_AFTER:
                self._dying.remove(function)
                self._kills[function, method].insert(0, fault)
                self.done[function, fault] -= 1
            else:
                self._faults[method].insert(0, fault)
                self.done[method, fault] -= 1

    def _drawn(self, function: str, method: str) -> Fault | None:
        with self._lock:
            self.calls[method] += 1
            if not self._begun:
                return None
            if (kills := self._kills.get((function, method))) and function not in self._dying:
                self._dying.add(function)
                self.done[function, kills[0]] += 1
                return kills.pop(0)
            if function in self._dying or not self._faults.get(method):
                return None
            self._clean[method] -= 1
            if self._clean[method] >= 0:
                return None
            self._clean[method] = self._random.randint(*CLEAN_CALLS)
            self.done[method, self._faults[method][0]] += 1
            return self._faults[method].pop(0)
