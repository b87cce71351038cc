"""Pub/Sub in memory: at least once, in any order, with backoff, and a dead letter after ten attempts."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from scripts.local_cloud.pubsub.filters import parse_filter
from scripts.local_cloud.topology import DELIVERY_ATTEMPTS_MAX, ROUTES, Route
from shared.errors import InvalidRecord, NotFound, PermanentError, TransientError
from shared.events.message import Message
from tests.simulation.faults import Fault
from tests.simulation.surroundings import Surroundings
from tests.simulation.turns import Crash, Denied, Turn

DELAY_SECONDS = (0.05, 1.5)
LATE_SECONDS = (20.0, 240.0)
BACKOFF_SECONDS = (2.0, 60.0)

_SUBSCRIBED: dict[str, list[tuple[Route, Callable[[Mapping[str, str]], bool]]]] = {}
for _route in ROUTES:
    _SUBSCRIBED.setdefault(_route.topic, []).append((_route, parse_filter(_route.accepts)))


class Delivery(NamedTuple):
    """One message of one subscription."""

    route: Route
    message: Message
    attempt: int = 1


class Bus:
    """done: told of every turn that was acked, with what it said; refused: of those that cannot be.

    rejected: what no redelivery could mend.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.done: Callable[[Turn, str], None] = lambda turn, said: None
        self.refused: Callable[[Turn, str], None] = lambda turn, why: None
        self.dead: list[Delivery] = []
        self.rejected: list[tuple[Delivery, PermanentError]] = []
        self.told: list[str] = []
        self._surroundings = surroundings
        self._count = 0
        surroundings.messages.send = self.publish

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str], delay: float | None = None) -> None:
        """delay: seconds until its first delivery, drawn when None."""
        self._count += 1
        message = Message(
            id=f"m{self._count}",
            topic=topic,
            published_at=self._surroundings.timeline.now,
            data=data,
            attributes=attributes,
        )
        for route, accepts in _SUBSCRIBED.get(topic, []):
            if accepts(attributes):
                self._send(Delivery(route, message), delay)
                if self._surroundings.faults.strikes(Fault.DUPLICATE):
                    self._send(Delivery(route, message))

    def replay(self) -> int:
        """Every dead letter once more, and what met a record nobody could read; with their original times. How many."""
        unread = [delivery for delivery, error in self.rejected if isinstance(error, InvalidRecord)]
        letters, self.dead = [*self.dead, *unread], []
        self.rejected = [row for row in self.rejected if not isinstance(row[1], InvalidRecord)]
        for letter in letters:
            self._send(Delivery(letter.route, letter.message))
        return len(letters)

    def _send(self, delivery: Delivery, delay: float | None = None) -> None:
        random, faults = self._surroundings.random, self._surroundings.faults
        if delay is None:
            delay = random.uniform(*(LATE_SECONDS if faults.strikes(Fault.LATE) else DELAY_SECONDS))
        self._surroundings.timeline.task(delay, lambda: self._deliver(delivery))

    def _deliver(self, delivery: Delivery) -> None:
        turn = Turn(delivery.route.function, delivery.message, self._surroundings)
        try:
            said = turn.run()
        except (Crash, Denied, NotFound, TransientError) as error:  # what the door answers 500 or 503
            self.told.append(f"{turn.function} {type(error).__name__}: {error}")
            self._again(delivery)
        except PermanentError as error:
            self.rejected.append((delivery, error))
            self.refused(turn, str(error))
        else:
            self.told.append(f"{turn.function} {said}")
            self.done(turn, said)

    def _again(self, delivery: Delivery) -> None:
        if delivery.attempt >= DELIVERY_ATTEMPTS_MAX:
            self.dead.append(delivery)
            return
        least, most = BACKOFF_SECONDS
        again = Delivery(delivery.route, delivery.message, delivery.attempt + 1)
        self._send(again, min(least * 2 ** (delivery.attempt - 1), most))
