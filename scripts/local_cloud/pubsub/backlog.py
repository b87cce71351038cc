"""The messages a subscription owes: who may have one now, who has one, and what a failure costs.

Pure bookkeeping over a clock given as seconds; neither threads nor waiting. A message leaves only by `ack`, or by
`forget` once the dead-letter topic has it.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    id: str
    published_at: datetime
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long a message rests after its n-th failure: `seconds_min * 2^(n-1)`, at most `seconds_max`."""

    seconds_min: float
    seconds_max: float

    def rest(self, attempts: int) -> float:
        return min(self.seconds_max, self.seconds_min * 2.0 ** min(attempts - 1, 64))


IMMEDIATE = Backoff(seconds_min=0, seconds_max=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message handed out once. `attempt` counts from 1."""

    ack_id: str
    message: StoredMessage
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """A message that failed as often as it may and now belongs in the dead letters."""

    key: int
    message: StoredMessage
    attempts: int
    reason: str


@dataclass(slots=True, kw_only=True)
class _Entry:
    message: StoredMessage
    attempts: int = 0
    ack_id: str = ""
    deadline: float = math.inf


@dataclass(slots=True, kw_only=True)
class Backlog:
    """The rules may be replaced at any time; they hold from the next failure on."""

    backoff: Backoff = IMMEDIATE
    attempts_max: int | None = None
    ordered: bool = False
    delivered: int = 0
    failed: int = 0
    dead_lettered: int = 0
    _entries: dict[int, _Entry] = field(default_factory=dict)
    _ready: list[tuple[float, int]] = field(default_factory=list)
    _leases: dict[str, int] = field(default_factory=dict)
    _lines: dict[str, deque[int]] = field(default_factory=dict)
    _last_key: int = 0
    _last_lease: int = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def oldest(self) -> datetime | None:
        """When the oldest message still owed was published."""
        first = next(iter(self._entries.values()), None)
        return first.message.published_at if first else None

    def add(self, message: StoredMessage, now: float) -> None:
        self._last_key += 1
        self._entries[self._last_key] = _Entry(message=message)
        if self.ordered and message.ordering_key:
            line = self._lines.setdefault(message.ordering_key, deque())
            line.append(self._last_key)
            if len(line) > 1:
                return  # its turn comes when all before it are done
        heapq.heappush(self._ready, (now, self._last_key))

    def lease(self, count_max: int, seconds: float, now: float) -> list[Delivery]:
        """Up to so many messages that may go now, each the caller's own for that long."""
        deliveries: list[Delivery] = []
        while self._ready and self._ready[0][0] <= now and len(deliveries) < count_max:
            _, key = heapq.heappop(self._ready)
            entry = self._entries[key]
            self._last_lease += 1
            entry.attempts += 1
            entry.ack_id, entry.deadline = f"{key}-{self._last_lease}", now + seconds
            self._leases[entry.ack_id] = key
            deliveries.append(Delivery(ack_id=entry.ack_id, message=entry.message, attempt=entry.attempts))
        return deliveries

    def deadline(self, ack_id: str) -> float | None:
        """When the lease ends, or None when it has been settled or taken back."""
        key = self._leases.get(ack_id)
        return None if key is None else self._entries[key].deadline

    def ack(self, ack_ids: Iterable[str], now: float) -> list[str]:
        """The ids of the messages that are done by it.

        Unknown and outlived ack ids are passed over: the message is somebody else's by now, or done.
        """
        done: list[str] = []
        for ack_id in ack_ids:
            key = self._leases.get(ack_id)
            if key is not None:
                self.delivered += 1
                done.append(self._entries[key].message.id)
                self._remove(key, now)
        return done

    def extend(self, ack_ids: Iterable[str], seconds: float, now: float) -> None:
        for ack_id in ack_ids:
            if ack_id in self._leases:
                self._entries[self._leases[ack_id]].deadline = now + seconds

    def nack(self, ack_ids: Iterable[str], reason: str, now: float) -> list[Exhausted]:
        """Gives messages back; returns those that the caller must now take to the dead letters."""
        keys = [self._leases[ack_id] for ack_id in ack_ids if ack_id in self._leases]
        return self._fail(keys, reason, now)

    def expire(self, now: float) -> list[Exhausted]:
        """Takes back what was neither acked nor extended in time, like `nack`."""
        late = [key for key in self._leases.values() if self._entries[key].deadline <= now]
        return self._fail(late, "the acknowledgement deadline passed", now)

    def forget(self, exhausted: Exhausted, now: float) -> None:
        self.dead_lettered += 1
        self._remove(exhausted.key, now)

    def retry(self, exhausted: Exhausted, now: float) -> None:
        """Keeps a message that could not be taken to the dead letters."""
        self._rest(exhausted.key, now)

    def next_event(self) -> float:
        """When something may next become possible: a rest or a lease ends."""
        ready = self._ready[0][0] if self._ready else math.inf
        return min([ready, *(self._entries[key].deadline for key in self._leases.values())])

    def _fail(self, keys: Iterable[int], reason: str, now: float) -> list[Exhausted]:
        exhausted: list[Exhausted] = []
        for key in keys:
            entry = self._entries[key]
            del self._leases[entry.ack_id]
            self.failed += 1
            if self.attempts_max is not None and entry.attempts >= self.attempts_max:
                exhausted.append(
                    Exhausted(key=key, message=entry.message, attempts=entry.attempts, reason=reason),
                )
            else:
                self._rest(key, now)
        return exhausted

    def _rest(self, key: int, now: float) -> None:
        heapq.heappush(self._ready, (now + self.backoff.rest(self._entries[key].attempts), key))

    def _remove(self, key: int, now: float) -> None:
        entry = self._entries.pop(key)
        self._leases.pop(entry.ack_id, None)
        line = self._lines.get(entry.message.ordering_key)
        if line and line[0] == key:
            line.popleft()
            if line:
                heapq.heappush(self._ready, (now, line[0]))
            else:
                del self._lines[entry.message.ordering_key]
