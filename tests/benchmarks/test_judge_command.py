"""What scripts/bench_judge leaves behind: a whole page and the names of the targets missed, or the page before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.judge import __main__ as command
from benchmarks.judge.results import Results
from benchmarks.judge.targets import Target


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    page = tmp_path / "page.md"
    page.write_text("before")
    monkeypatch.setattr("sys.argv", ["bench_judge", "--out", str(page)])
    monkeypatch.setattr(command, "measure", lambda *_: iter([("the part", Results())]))
    monkeypatch.setattr(command, "page", lambda *_: "after")
    monkeypatch.setattr(command, "look_ms", lambda: 1.0)
    monkeypatch.setattr(command, "minute_ms", lambda: 1.0)
    monkeypatch.setattr(command, "import_ms", lambda: (1.0, 1.0))
    return page


@pytest.mark.parametrize(("met", "code"), [(True, 0), (None, 0), (False, 1)])
def test_a_missed_target_fails_the_run_and_is_named(
    met: bool | None, code: int, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [Target(said="speed", wanted="at most 1", found="2", met=met)]
    monkeypatch.setattr(command, "targets", lambda _: rows)
    assert command.main() == code
    told = capsys.readouterr().err
    assert "the part" in told
    assert ("missed: speed: wanted at most 1, found 2" in told) == (met is False)
    assert [file.read_text() for file in out.parent.iterdir()] == ["after"]


def test_a_part_that_fails_leaves_the_page_as_it_was(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*_: object) -> Iterator[tuple[str, Results]]:
        yield "the part", Results()
        raise ZeroDivisionError

    monkeypatch.setattr(command, "measure", measure)
    with pytest.raises(ZeroDivisionError):
        command.main()
    assert [file.read_text() for file in out.parent.iterdir()] == ["before"]
