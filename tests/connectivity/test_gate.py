"""What a page may cost people on slow lines: each limit, each manner, and what stable sends."""

import pytest

from shared.connectivity.budget import Budget, Connectivity, Mode
from shared.connectivity.gate import growth, in_words, opinion, problems
from shared.connectivity.lines import LINES, load_seconds
from shared.connectivity.page import Kind, Page, Resource

IMMUTABLE = "public, max-age=31536000, immutable"
CHUNK = "/_next/static/chunks/app.js"


def html(size: int = 4_000, **changes: object) -> Resource:
    row = Resource(Kind.HTML, "/", 200, size, size - 300, "gzip", "private, no-store")
    return row._replace(**changes)  # type: ignore[arg-type]


def script(size: int = 60_000, path: str = CHUNK, **changes: object) -> Resource:
    row = Resource(Kind.SCRIPT, path, 200, size, size - 300, "br", IMMUTABLE)
    return row._replace(**changes)  # type: ignore[arg-type]


def page(*resources: Resource, **changes: object) -> Page:
    return Page("/", ttfb_ms=40.0, resources=resources or (html(), script()))._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (page(), []),
        (page(failure="status 500"), ["could not be loaded: status 500"]),
        (
            page(location="/en"),
            ["sends its visitors on to /en: a round trip before anything is seen"],
        ),
        (page(html(20_001), script()), ["sends 20,001 bytes of HTML, 20,000 are allowed"]),
        (page(html(), script(160_001)), ["sends 160,001 bytes of scripts, 160,000 are allowed"]),
        (
            page(html(), *(script(40_000, f"/{index}.css", kind=Kind.STYLE) for index in range(5))),
            ["sends 204,000 bytes, 200,000 are allowed"],
        ),
        (page(html(), *(script(10, f"/{index}.js") for index in range(10))), ["makes 11 requests, 10 are allowed"]),
        (page(ttfb_ms=2_001.0), ["sends its first byte after 2001 ms, 2000 are allowed"]),
        (page(html(), script(status=404)), [f"needs {CHUNK}, which answers 404"]),
        (page(html(encoding=""), script()), ["sends its HTML uncompressed, 3,700 bytes"]),
        (page(html(), script(encoding="")), [f"sends {CHUNK} uncompressed, 59,700 bytes"]),
        (page(html(), script(1_500, content_bytes=1_400, encoding="")), []),
        (page(html(), script(kind=Kind.FONT, encoding="")), []),
        (
            page(html(), script(cache_control="no-cache")),
            [f"lets nobody keep {CHUNK}: its Cache-Control is not immutable"],
        ),
        (page(html(), script(path="/hello.js", cache_control="")), []),
        (
            page(foreign=("https://cdn.example/a.js", "https://cdn.example/b.js")),
            ["needs https://cdn.example/a.js and so another connection before it can be used"],
        ),
    ],
)
def test_every_limit_that_is_broken_is_said_with_both_figures(found: Page, said: list[str]) -> None:
    assert problems(found, Budget()) == said


def test_what_is_just_allowed_is_allowed() -> None:
    found = page(html(20_000), script(160_000), script(20_000, "/a.css", kind=Kind.STYLE), ttfb_ms=2_000.0)
    assert problems(found, Budget(requests_max=3, load_seconds_max={})) == []
    second = load_seconds(page(), LINES[0])
    assert problems(page(), Budget(load_seconds_max={LINES[0].name: second})) == []
    grown = page(html(), script(63_200))
    assert growth(grown, page(), Budget(growth_percent_max=100 * (67_200 / 64_000 - 1))) == []


def test_a_first_visit_has_its_limit_on_every_line() -> None:
    strict = Budget(load_seconds_max={line.name: 0.1 for line in LINES})
    assert [text.split(" on ")[1] for text in problems(page(), strict)] == [
        "slow 4G, 0.1 are allowed",
        "3G, 0.1 are allowed",
        "slow 3G, 0.1 are allowed",
        "2G, 0.1 are allowed",
    ]


@pytest.mark.parametrize(
    ("line", "measured"),
    [("slow 4G", 1.49), ("3G", 3.4), ("slow 3G", 5.2), ("2G", 8.9)],
)
def test_the_computed_visit_is_that_of_a_browser_on_such_a_line(line: str, measured: float) -> None:
    """Chromium over a line emulated packet by packet, with the same delay, speed and loss: 140 kB in 7 requests."""
    hello = page(html(4_000), *(script(22_633, f"/{index}.js") for index in range(6)))
    (on,) = [candidate for candidate in LINES if candidate.name == line]
    assert load_seconds(hello, on) == pytest.approx(measured, rel=0.15)


@pytest.mark.parametrize(
    ("canary", "said"),
    [
        (page(html(), script(60_000)), []),
        (page(html(), script(63_100)), []),
        (page(html(), script(64_000)), ["grew by 6 % from 64,000 bytes"]),
        (page(html(), script(59_000), script(500, "/b.js")), []),
        (
            page(html(), script(59_000), script(500, "/b.js"), script(400, "/c.js")),
            ["makes 2 more requests than before"],
        ),
    ],
)
def test_what_a_page_costs_more_than_stables_is_said(canary: Page, said: list[str]) -> None:
    assert growth(canary, page(), Budget()) == said


HEAVY = page(html(), script(190_000))
WANTED = {"/": Budget(script_bytes_max=150_000)}


def test_a_broken_budget_stops_a_release_where_that_is_wanted() -> None:
    found = opinion({"/": HEAVY}, {"/": page()}, Connectivity(mode=Mode.BLOCK, budgets=WANTED))
    assert found.broken == ("/ sends 190,000 bytes of scripts, 150,000 are allowed",)
    assert found.said == f"/ is {in_words(HEAVY)}; / grew by 203 % from 64,000 bytes"


def test_every_route_says_what_is_wrong_with_it() -> None:
    wanted = Connectivity(mode=Mode.BLOCK, budgets={"/": Budget(), "/rooms": Budget()})
    small = {"/": page(), "/rooms": page()}
    found = opinion({"/": HEAVY, "/rooms": page(html(), script(500_000))}, small, wanted)
    assert [text.split(" ")[0] for text in found.broken] == ["/", "/rooms", "/rooms", "/rooms", "/rooms"]
    assert found.said.count("grew by") == 2


def test_a_broken_budget_is_told_where_that_is_wanted() -> None:
    found = opinion({"/": HEAVY}, {}, Connectivity(mode=Mode.WARN, budgets=WANTED))
    assert found.broken == ()
    assert found.said == f"/ is {in_words(HEAVY)}; / sends 190,000 bytes of scripts, 150,000 are allowed"


def test_growth_within_the_budget_stops_nobody() -> None:
    grown = page(html(), script(90_000))
    found = opinion({"/": grown}, {"/": page()}, Connectivity(mode=Mode.BLOCK, budgets={"/": Budget()}))
    assert found.broken == ()
    assert found.said.endswith("; / grew by 47 % from 64,000 bytes")


def test_a_route_that_cannot_be_loaded_is_not_compared() -> None:
    wanted = Connectivity(mode=Mode.BLOCK, budgets={"/": Budget(), "/about": Budget()})
    away = Page("/about", failure="status 404")
    found = opinion({"/": page(), "/about": away}, {"/": Page("/", failure="status 500"), "/about": page()}, wanted)
    assert found.broken == ("/about could not be loaded: status 404",)
    assert found.said == f"/ is {in_words(page())}"


def test_the_figures_are_said_for_a_person() -> None:
    assert in_words(page()) == "64,000 bytes in 2 requests, 6.4 s on 2G"
