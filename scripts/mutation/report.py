"""The rates of the packages, for a terminal and for docs/reference/mutation.md."""

from collections.abc import Iterable, Mapping

from scripts.mutation.results import Score

_HEADER = ("package", "changes", "noticed", "equivalent", "not noticed", "rate")
_PAGE = """# Mutation rates

How many small changes of the pure rules their tests notice. `scripts/mutate` makes thousands (a boundary moved by one,
a condition turned round, an argument left out, a word changed) and runs, for each, the tests that reach the function.
This page is written by `scripts/mutate --write-docs`; every figure is from a run over the whole package.

{table}

- Below {least:.0%} of what is not equivalent a package fails the run, which happens every night.
- A change that makes the tests run on without end is noticed.
- Left out are the tests that take seconds (crashes at every call, real dumps, histories by the hundred), and for the
  analysis those of other packages, which judge whole deliveries; and Hypothesis draws twenty examples, the same each
  time. So a rate is a lower bound of what `scripts/test` notices.

## Changes that change nothing

They are in [tests/mutation/equivalent.yaml](../../tests/mutation/equivalent.yaml), each with its reason, and no test
could notice them.

{equivalent}
"""


def table(scores: Mapping[str, Score]) -> str:
    return "\n".join(f"{first:<22}" + "".join(f"{cell:>13}" for cell in rest) for first, *rest in _rows(scores))


def page(scores: Mapping[str, Score], least: float, missing: Iterable[str] = ()) -> str:
    """missing: packages that this run did not measure."""
    header, *rows = _rows(scores)
    lines = [_line(header), _line(("---", *["---:"] * 5)), *map(_line, rows)]
    unmeasured = [_line((f"shared/{name}", *["not measured"] * 5)) for name in missing]
    lines[len(lines) - (len(scores) > 1) :] = unmeasured or lines[-1:]
    reasons: dict[str, set[str]] = {}
    for score in scores.values():
        for why, found in score.equivalent.items():
            reasons.setdefault(why, set()).update(survivor.where for survivor in found)
    listed = [f"- {why} ({', '.join(f'`{name}`' for name in sorted(names))})" for why, names in sorted(reasons.items())]
    return _PAGE.format(table="\n".join(lines), least=least, equivalent="\n".join(listed) or "None so far.")


def _rows(scores: Mapping[str, Score]) -> list[tuple[str, ...]]:
    rows = [_HEADER, *((f"shared/{name}", *_cells(score)) for name, score in scores.items())]
    if len(scores) > 1:
        rows.append(("all", *_cells(_sum(scores))))
    return rows


def _sum(scores: Mapping[str, Score]) -> Score:
    equivalent = [row for score in scores.values() for rows in score.equivalent.values() for row in rows]
    return Score(
        sum(score.noticed for score in scores.values()),
        {"": equivalent},
        tuple(row for score in scores.values() for row in score.survivors),
    )


def _cells(score: Score) -> tuple[str, ...]:
    alive = len(score.survivors)
    whole = score.noticed + score.left_out + alive
    return f"{whole}", f"{score.noticed}", f"{score.left_out}", f"{alive}", f"{score.rate:.1%}"


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
