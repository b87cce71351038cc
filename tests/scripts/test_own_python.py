"""A script that another Python runs says in one sentence which one to use; no page tells people to use another."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = [*(REPOSITORY / "docs").rglob("*.md"), REPOSITORY / "README.md", REPOSITORY / "terraform" / "README.md"]
FIRST = "0" * 64
CALLS = [
    ["send_command.py", "rollback", "web", "--by", "amina", "--why", "a test", "--project", "p"],
    ["replay_dead_letters.py", "auto-rollback-alerts", "--project", "p"],
    ["wait_for_rollout.py", "web", f"sha256:{FIRST}", "--project", "p", "--region", "r"],
    ["environments.py", "validate"],
    ["estimate_costs.py", "production"],
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
def test_a_python_without_the_packages_is_told_which_one_has_them(call: list[str]) -> None:
    script = REPOSITORY / "scripts" / call[0]
    bare = [sys.executable, "-S", "-E", str(script), *call[1:]]  # -S: without what was installed
    done = subprocess.run(bare, cwd="/", capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert f".venv/bin/python scripts/{call[0]}" in line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_pages_name_the_projects_own_python(page: Path) -> None:
    assert re.findall(r"(?<!\.venv/bin/)\bpython3? (?:-m )?scripts[/.]\S+", page.read_text()) == []
