"""People read a span at a glance."""

from datetime import timedelta

import pytest

from shared.backup.spans import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (0.84, "0.8 s"),
        (12, "12 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (61, "1 min 1 s"),
        (3599.6, "1 h"),
        (3601, "1 h"),
        (7800, "2 h 10 min"),
        (86_399, "1 d"),
        (108_000, "1 d 6 h"),
        (9 * 86_400, "9 d"),
        (9 * 86_400 + 1900, "9 d 1 h"),
        (-3600, "-1 h"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
