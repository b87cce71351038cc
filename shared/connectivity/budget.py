"""What a route may cost its visitors."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType

from shared.values import value


class Mode(StrEnum):
    """What breaking a budget does to a release."""

    OFF = "off"
    WARN = "warn"  # told, and the release goes on
    BLOCK = "block"  # no user meets it


_SECONDS = MappingProxyType({"slow 3G": 8.0, "2G": 12.0})


@value
class Budget:
    """Limits of one route. Bytes are those on the wire, compressed and with their headers.

    The defaults are five seconds of a line of 400 kbit/s: https://infrequently.org/2017/10/can-you-afford-it-real-world-web-performance-budgets/
    ttfb_ms_max: seen from beside the service, so it says nothing of the users' lines; generous.
    load_seconds_max: of a first visit by the name of a line (`lines.LINES`), computed.
    growth_percent_max, growth_requests_max: beyond what stable sends; growing past them is told, never refused.
    """

    bytes_max: int = 200_000
    html_bytes_max: int = 20_000
    script_bytes_max: int = 160_000
    requests_max: int = 10
    ttfb_ms_max: float = 2_000.0
    load_seconds_max: Mapping[str, float] = field(default_factory=lambda: _SECONDS)
    growth_percent_max: float = 5.0
    growth_requests_max: int = 1


@value
class Connectivity:
    """A service's budgets by route, and what breaking one does."""

    mode: Mode = Mode.OFF
    budgets: Mapping[str, Budget] = field(default_factory=dict)
