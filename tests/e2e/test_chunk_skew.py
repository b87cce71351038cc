"""While two releases share one address, pages break without the assets bucket and none does with it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser

from tests.e2e.split import CANARY, STABLE, Split
from tests.e2e.talks import talk
from tests.e2e.visits import Visit, visit

SHARES = (5, 25, 50)
VISITS = 200
AT_ONCE = 4  # people, so that no visit meets the same turns of the split as the one before
REAL_VISITS = 12

pytestmark = pytest.mark.timeout(1200)


class Row(NamedTuple):
    """One line of the table."""

    share: int
    store: bool
    visits: tuple[Visit, ...]

    def broken(self, revision: str) -> int:
        return sum(bool(one.missing) for one in self.visits if one.revision == revision)

    def pages(self, revision: str) -> int:
        return sum(one.revision == revision for one in self.visits)

    def __str__(self) -> str:
        canary, stable = (f"{self.broken(name)} of {self.pages(name)}" for name in (CANARY, STABLE))
        missing, files = sum(len(one.missing) for one in self.visits), sum(one.files for one in self.visits)
        return f"| {self.share} % | {'yes' if self.store else 'no'} | {canary} | {stable} | {missing} of {files} |"


HEAD = (
    "| canary's share | assets bucket | canary's pages broken | stable's pages broken | files not found |",
    "|---|---|---|---|---|",
)
BROWSER_HEAD = ("| assets bucket | first visits | chat dead | files not found |", "|---|---|---|---|")


def measured(services: Split, share: int, *, store: bool) -> Row:
    services.share(share)
    uri = services.with_store if store else services.without
    with ThreadPoolExecutor(AT_ONCE) as visitors:
        return Row(share, store, tuple(visitors.map(lambda _: visit(uri), range(VISITS))))


def test_pages_break_without_the_bucket_and_none_breaks_with_it(services: Split, results: Path) -> None:
    rows = [measured(services, share, store=store) for share in SHARES for store in (False, True)]
    table = "\n".join([*HEAD, *map(str, rows)])
    (results / "chunk_skew.md").write_text(f"{table}\n")
    print(f"\n{table}")
    for row in rows:
        pages = Counter(one.revision for one in row.visits)
        assert pages[CANARY] == pytest.approx(VISITS * row.share / 100, abs=VISITS * 0.1), "shared as asked"
        if row.store:
            assert (row.broken(CANARY), row.broken(STABLE)) == (0, 0), str(row)
        else:
            assert row.broken(CANARY) > pages[CANARY] / 3, str(row)
            assert row.broken(STABLE) > 0, str(row)


def test_in_a_real_browser_the_chat_is_dead_without_the_bucket_and_works_with_it(
    services: Split, browser: Browser, results: Path
) -> None:
    services.share(50)
    without, with_store = (
        [talk(browser, uri, f"Hello {number}", results / f"{name}-{number}.png") for number in range(REAL_VISITS)]
        for name, uri in (("without", services.without), ("with", services.with_store))
    )
    rows = (
        (store, len(talks), sum(not one.alive for one in talks), sum(one.missing for one in talks))
        for store, talks in (("no", without), ("yes", with_store))
    )
    table = "\n".join([*BROWSER_HEAD, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])
    (results / "chunk_skew_browser.md").write_text(f"{table}\n")
    print(f"\n{table}")
    dead = [one for one in without if not one.alive]
    assert len(dead) >= REAL_VISITS / 4, table
    assert all(one.missing for one in dead), "nothing else kills a page"
    assert all(one.alive and not one.missing for one in with_store), table
