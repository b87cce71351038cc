"""`scripts/mutate`: what it finds, what it leaves out, and what it demands."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.mutation.__main__ import REPOSITORY
from scripts.mutation.report import page, table
from scripts.mutation.results import EQUIVALENT, Score, Survivor, read_equivalent, stale, survivor_of

WEIGH = Survivor("shared.analysis.proof.Proof.weigh", "- if tally.canary > 0:\n+ if tally.canary >= 0:")
DIFF = """--- shared/analysis/proof.py
+++ shared/analysis/proof.py
@@ -3,7 +3,7 @@
     def weigh(self, tally):
-        if tally.canary > 0:
+        if tally.canary >= 0:
             pass
"""


def test_a_survivor_is_known_by_its_function_and_its_change() -> None:
    assert survivor_of("shared.analysis.proof.xǁProofǁweigh__mutmut_12", DIFF) == WEIGH
    assert survivor_of("shared.analysis.proof.x_weigh__mutmut_2", DIFF).where == "shared.analysis.proof.weigh"


def test_what_is_listed_has_a_reason(tmp_path: Path) -> None:
    assert all(row.why for row in read_equivalent(REPOSITORY / EQUIVALENT))
    (tmp_path / "rows.yaml").write_text("- {where: a.b, change: '- x', why: ' '}")
    with pytest.raises(ValueError, match=r"a\.b: says not why"):
        read_equivalent(tmp_path / "rows.yaml")


def test_a_listed_change_is_found_again_by_its_text_or_by_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "rows.yaml").write_text(
        """
- where: shared.analysis.proof.Proof.weigh
  change: |
    - if tally.canary > 0:
    + if tally.canary >= 0:
  why: Nothing is weighed for no request.
- pattern: "- .*'utf-8'.*\\n\\\\+ .*'UTF-8'.*"
  why: It is the same encoding.
"""
    )
    rows = read_equivalent(tmp_path / "rows.yaml")
    assert [row.covers(WEIGH) for row in rows] == [True, False]
    assert not rows[0].covers(WEIGH._replace(where="shared.analysis.proof.weigh"))
    encoded = Survivor("shared.a.b", "- text.encode('utf-8')\n+ text.encode('UTF-8')")
    assert [row.covers(encoded) for row in rows] == [False, True]
    assert stale(rows, {"analysis": Score(1, {}, ()), "events": Score(1, {}, ())}) == rows[:1]
    assert stale(rows, {"analysis": Score(1, {"x": [WEIGH]}, ())}) == []
    assert stale(rows, {"events": Score(1, {}, ())}) == []


def test_the_rate_counts_what_could_be_noticed() -> None:
    five = [Survivor("shared.a.b", f"- {number}") for number in range(5)]
    scores = {"rollout": Score(19, {"It is the same.": five}, (WEIGH,)), "events": Score(5, {}, ())}
    assert scores["rollout"].rate == pytest.approx(0.95)
    assert Score(0, {}, ()).rate == 1.0
    said = table(scores).splitlines()
    assert said[1].split() == ["shared/rollout", "25", "19", "5", "1", "95.0%"]
    assert said[-1].split() == ["all", "30", "24", "5", "1", "96.0%"]
    written = page(scores, 0.95)
    assert "| shared/rollout | 25 | 19 | 5 | 1 | 95.0% |" in written
    assert "- It is the same. (`shared.a.b`)" in written


def _project(home: Path, *tests: str, more: str = "") -> None:
    """A repository with one rule, one whose answer is kept from the first time on, and what else there shall be."""
    files = {
        "pyproject.toml": """[tool.mutmut]
source_paths = ["shared"]
only_mutate = ["shared/rollout/*.py"]
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = ["tests"]
use_git_change_detection = false
timeout_constant = 0.5
timeout_multiplier = 2
""",
        "shared/__init__.py": "",
        "shared/rollout/__init__.py": "",
        "shared/rollout/rule.py": """from functools import cache


def may_start(percent: int) -> bool:
    return percent > 5


@cache
def _kept() -> str:
    return word()


def word() -> str:
    return "as it is"
"""
        + more,
        "tests/test_rule.py": "from shared.rollout import rule\n\n" + "\n\n".join(tests),
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)


def _tried(home: Path, which: str) -> tuple[int, dict[str, int | None]]:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.mutation.trials", "1", which, "rollout"],
        cwd=home,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        capture_output=True,
    )
    meta = json.loads((home / "mutants/shared/rollout/rule.py.meta").read_text())
    return done.returncode, {
        name.removeprefix("shared.rollout.rule."): code for name, code in meta["exit_code_by_key"].items()
    }


def test_mutants_are_tried_each_on_its_own_and_survivors_again_after_a_new_test(tmp_path: Path) -> None:
    far = "def test_far():\n    assert rule.may_start(9)\n    assert not rule.may_start(1)"
    kept = "def test_kept():\n    assert rule._kept() == 'as it is'"
    _project(tmp_path, far, kept)
    code, first = _tried(tmp_path, "all")
    assert code == 0
    assert {first[f"x_word__mutmut_{number}"] for number in (1, 2)} == {1}, "what is kept is not kept between mutants"
    assert sorted(str(code) for name, code in first.items() if name.startswith("x_may_start")) == ["0", "0"], (
        "> 6 and >= 5"
    )
    _project(tmp_path, far, kept, "def test_near():\n    assert rule.may_start(6)\n    assert not rule.may_start(5)")
    code, second = _tried(tmp_path, "survivors")
    assert code == 0
    assert set(second.values()) == {1}


def test_nothing_is_measured_by_a_test_that_fails_anyway(tmp_path: Path) -> None:
    _project(tmp_path, "def test_wrong():\n    assert rule.may_start(1)")
    code, tried = _tried(tmp_path, "all")
    assert code != 0
    assert set(tried.values()) == {None}


def test_a_change_that_makes_a_test_endless_is_noticed_in_the_time_of_that_test(tmp_path: Path) -> None:
    """36 is mutmut's word for it; its own limit, for all the tests together, would have been -24."""
    long = "def test_long():\n    for number in range(300_000):\n        rule.counted(number % 9)"
    counted = "def counted(number):\n    while number > 0:\n        number -= 1\n    return number\n"
    _project(tmp_path, "def test_counted():\n    assert rule.counted(9) == 0", long, more=f"\n\n{counted}")
    code, tried = _tried(tmp_path, "all")
    assert code == 0
    endless = [name for name, code in tried.items() if name.startswith("x_counted") and code == 36]
    assert len(endless) == 2, "= 1 and += 1"


def test_what_is_listed_is_not_tried_again(tmp_path: Path) -> None:
    _project(tmp_path, "def test_far():\n    assert rule.may_start(9)\n    assert not rule.may_start(1)")
    _tried(tmp_path, "all")
    (tmp_path / "tests" / "mutation").mkdir()
    (tmp_path / "tests" / "mutation" / "equivalent.yaml").write_text(
        "- {where: shared.rollout.rule.may_start, pattern: '.*> 6', why: Nobody asks for six.}"
    )
    _project(tmp_path, "def test_near():\n    assert rule.may_start(6)\n    assert not rule.may_start(5)")
    _, again = _tried(tmp_path, "survivors")
    assert sorted(str(code) for name, code in again.items() if name.startswith("x_may_start")) == ["0", "1"]
