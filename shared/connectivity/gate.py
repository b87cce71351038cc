"""Whether people on slow lines can use a page: its budget, and what stable sends today."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from shared.connectivity.budget import Budget, Connectivity, Mode
from shared.connectivity.lines import LINES, load_seconds
from shared.connectivity.page import Kind, Page, Resource

_OK = 200
_COMPRESSED = frozenset({"br", "gzip", "zstd", "deflate"})
_TEXT = frozenset({Kind.HTML, Kind.SCRIPT, Kind.STYLE})
_ONE_PACKET = 1400  # bytes; nothing smaller gets there sooner for being compressed
_FINGERPRINTED = "/_next/static/"  # its names change with its content, so a copy is good for ever
_SLOWEST = LINES[-1]


class Opinion(NamedTuple):
    """What was found about all routes.

    broken: each limit that does not hold, as a sentence's end; the release is stopped for them in mode "block".
    said: the figures, and everything that is only told.
    """

    broken: tuple[str, ...]
    said: str


def opinion(canary: Mapping[str, Page], stable: Mapping[str, Page], wanted: Connectivity) -> Opinion:
    """canary, stable: pages by route; a route that stable does not have is not compared."""
    broken, grown, figures = [], [], []
    for route, budget in wanted.budgets.items():
        page, before = canary[route], stable.get(route)
        broken += [f"{route} {text}" for text in problems(page, budget)]
        if page.resources:
            figures.append(f"{route} is {in_words(page)}")
            if before and before.resources:
                grown += [f"{route} {text}" for text in growth(page, before, budget)]
    stops = wanted.mode is Mode.BLOCK
    told = figures + grown + ([] if stops else broken)
    return Opinion(tuple(broken) if stops else (), "; ".join(told))


def problems(page: Page, budget: Budget) -> list[str]:
    """Every limit of the budget that the page breaks, each naming both figures."""
    if page.failure:
        return [f"could not be loaded: {page.failure}"]
    if page.location:
        return [f"sends its visitors on to {page.location}: a round trip before anything is seen"]
    return [*_sizes(page, budget), *_times(page, budget), *_manners(page)]


def growth(page: Page, stable: Page, budget: Budget) -> list[str]:
    """What the page costs more than stable's."""
    found = []
    percent = 100 * (page.bytes_received / stable.bytes_received - 1)
    if percent > budget.growth_percent_max:
        found.append(f"grew by {percent:.0f} % from {stable.bytes_received:,} bytes")
    more = page.requests - stable.requests
    if more > budget.growth_requests_max:
        found.append(f"makes {more} more requests than before")
    return found


def in_words(page: Page) -> str:
    """Such as "139,802 bytes in 7 requests, 9.1 s on 2G"."""
    seconds = load_seconds(page, _SLOWEST)
    return f"{page.bytes_received:,} bytes in {page.requests} requests, {seconds:.1f} s on {_SLOWEST.name}"


def _sizes(page: Page, budget: Budget) -> Iterator[str]:
    limits = (
        ("bytes", page.bytes_received, budget.bytes_max),
        ("bytes of HTML", page.bytes_of(Kind.HTML), budget.html_bytes_max),
        ("bytes of scripts", page.bytes_of(Kind.SCRIPT), budget.script_bytes_max),
    )
    for what, found, most in limits:
        if found > most:
            yield f"sends {found:,} {what}, {most:,} are allowed"
    if page.requests > budget.requests_max:
        yield f"makes {page.requests} requests, {budget.requests_max} are allowed"


def _times(page: Page, budget: Budget) -> Iterator[str]:
    if page.ttfb_ms > budget.ttfb_ms_max:
        yield f"sends its first byte after {page.ttfb_ms:.0f} ms, {budget.ttfb_ms_max:.0f} are allowed"
    for line in LINES:
        seconds, most = load_seconds(page, line), budget.load_seconds_max.get(line.name)
        if most is not None and seconds > most:
            yield f"takes {seconds:.1f} s on {line.name}, {most:g} are allowed"


def _manners(page: Page) -> Iterator[str]:
    """What costs bytes or round trips without need."""
    for row in page.resources:
        if row.status != _OK:
            yield f"needs {row.path}, which answers {row.status}"
        elif row.kind in _TEXT and row.content_bytes > _ONE_PACKET and row.encoding not in _COMPRESSED:
            yield f"sends {_name(row)} uncompressed, {row.content_bytes:,} bytes"
        if row.path.startswith(_FINGERPRINTED) and "immutable" not in row.cache_control:
            yield f"lets nobody keep {row.path}: its Cache-Control is not immutable"
    if page.foreign:
        yield f"needs {page.foreign[0]} and so another connection before it can be used"


def _name(row: Resource) -> str:
    return "its HTML" if row.kind is Kind.HTML else row.path
