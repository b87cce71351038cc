"""The table that a measurement writes into the page."""

import pytest

from benchmarks.cold_start import PAGE, table, written

SEEN = {
    ("image_pushed", "ignored"): [(0.16, 0.168), (0.2, 0.21), (0.17, 0.1785)],
    ("image_pushed", "matters"): [(0.16, 0.24), (0.2, 0.3), (0.17, 0.255)],
    ("notify", "matters"): [(0.1, 0.2), (0.1, 0.2), (0.1, 0.2)],
}
TABLE = """\
3 rounds; a bare function took 0.10 s to 0.20 s, 0.16 s mostly.

| function | ignored (target ≤ 1.1) | full work (target ≤ 1.9) |
|---|---|---|
| `image_pushed` | 1.05 | 1.50 |
| `notify` |  | **2.00** |"""


def test_medians_stand_by_function_and_what_misses_its_target_stands_out() -> None:
    assert table(SEEN) == TABLE


def test_the_page_keeps_what_is_around_the_table() -> None:
    page = PAGE.read_text()
    once = written(page, "one table")
    assert written(once, "another") == once.replace("one table", "another")
    assert once.partition("<!--")[0] == page.partition("<!--")[0]
    assert once.endswith(page.rpartition("-->")[2])


@pytest.mark.parametrize("page", ["", "<!-- end of cold start --> <!-- cold start -->", "<!-- cold start -->"])
def test_a_page_without_its_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="the page must have"):
        written(page, "text")
