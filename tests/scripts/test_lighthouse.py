"""What is taken from Lighthouse's report, and which of it stops a release."""

from pathlib import Path
from typing import Any

import pytest

from scripts.pages.lighthouse import PACKAGE, Look, problems, read
from shared.connectivity.budget import Budget

REPORT = Path("run-1.report.html")


def result(weight: int, *urls: str) -> dict[str, Any]:
    """Of Lighthouse's result, what is read: https://github.com/GoogleChrome/lighthouse/blob/main/docs/understanding-results.md"""
    times = ("first-contentful-paint", "largest-contentful-paint", "interactive")
    return {
        "audits": {
            "total-byte-weight": {"numericValue": weight},
            "network-requests": {"details": {"items": [{"url": url} for url in urls]}},
            **{name: {"numericValue": 1_500.0 + 1_000 * number} for number, name in enumerate(times)},
        }
    }


def test_only_what_goes_over_the_wire_is_a_request() -> None:
    look = read(result(142_000, "http://h/", "https://h/a.js", "data:,", "blob:x"), REPORT)
    assert look == Look(142_000, 2, 1.5, 2.5, 3.5, REPORT)


def test_a_page_that_lighthouse_could_not_load_has_no_figures() -> None:
    with pytest.raises(ValueError, match="Chrome could not"):
        read({"runtimeError": {"message": "Chrome could not load it"}, "audits": {}}, REPORT)


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (Look(200_000, 10, 99.0, 99.0, 99.0, REPORT), []),
        (Look(200_001, 10, 1.0, 1.0, 1.0, REPORT), ["sends 200,001 bytes, 200,000 are allowed"]),
        (Look(1, 11, 1.0, 1.0, 1.0, REPORT), ["makes 11 requests, 10 are allowed"]),
    ],
)
def test_bytes_and_requests_stop_a_release_and_times_do_not(look: Look, said: list[str]) -> None:
    assert list(problems(look, Budget())) == said


def test_its_lock_file_names_no_host() -> None:
    assert "resolved" not in (PACKAGE / "package-lock.json").read_text()
