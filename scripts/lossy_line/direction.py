"""One direction of a line: when a packet that enters now comes out, if it does. Clock and chance are inputs."""

from collections import Counter
from collections.abc import Callable

from shared.connectivity.lines import Line

QUEUE_BYTES = 96_000  # 64 packets wait at a cell's door; beyond them what comes is dropped, and TCP slows down
PACKET_BYTES = 1_500
_CARRIED = "carried"


class Direction:
    """Its queue, its speed, half of the line's round trip, and its losses. Packets never overtake each other.

    chance: called once for each packet, [0, 1). counts: packets by what became of them.
    """

    def __init__(self, line: Line, chance: Callable[[], float]) -> None:
        self._line = line
        self._chance = chance
        self._free = self._last = 0.0  # when the last bit of the queue has gone, and when it arrives
        self.cut = False
        self.counts = Counter[str]()

    def become(self, line: Line) -> None:
        """What is under way arrives as it would have; what enters from now on meets the new line."""
        self._line = line

    def arrival(self, now: float, size: int) -> float | None:
        """In seconds of the same clock; None for what is lost, comes to a full queue, or to a cut line."""
        fate = self._fate(now, size)
        self.counts[fate] += 1
        if fate != _CARRIED:
            return None
        self._free = max(now, self._free) + 8 * size / self._line.bits_per_second
        self._last = max(self._last, self._free + self._line.round_trip_ms / 2000)
        return self._last

    def _fate(self, now: float, size: int) -> str:
        if self.cut:
            return "cut"
        if self._chance() < self._line.loss:
            return "lost"
        queued = max(0.0, self._free - now) * self._line.bits_per_second / 8
        return "crowded out" if queued + size > QUEUE_BYTES else _CARRIED
