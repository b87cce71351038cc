"""An interrupted run of the judge's benchmark goes on where it was, and only with the same judge."""

from pathlib import Path

import pytest

from benchmarks.judge import tables
from benchmarks.judge.results import Results, Sizes


def test_a_finished_part_is_not_measured_again_unless_the_size_or_the_seed_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[int] = []

    def part(results: Results, _: Sizes, seed: int) -> None:
        measured.append(seed)
        results.cost["seed"] = seed

    monkeypatch.setattr(tables, "PARTS", {"only": part})
    for seed in (1, 1, 2):
        assert tables._part("only", Sizes(), seed, tmp_path)[1].cost == {"seed": seed}
    tables._part("only", Sizes(good=1), 2, tmp_path)
    tables._part("only", Sizes(), 2, None)
    assert measured == [1, 2, 2, 2]
