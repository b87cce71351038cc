"""How long something is, as people say it."""

from datetime import timedelta
from typing import Final

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def in_words(span: timedelta) -> str:
    """Its two largest units, rounded: "1 d 6 h", "2 h 10 min"; below a minute with tenths, "0.8 s"."""
    seconds = abs(span.total_seconds())
    sign = "-" if span < timedelta() else ""
    if round(seconds, 1) < 60:
        return f"{sign}{seconds:.1f}".removesuffix(".0") + " s"
    left, parts = round(seconds), list[str]()
    first = next(number for number, (_, size) in enumerate(_UNITS) if left >= size)
    smallest = _UNITS[first + 1][1]  # below a minute nobody comes here
    left = round(left / smallest) * smallest
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return sign + " ".join(parts)
