"""The reference backend passes its own tests, from a clean install of its lock file."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.tools import required

BACKEND = Path(__file__).parents[2] / "dockerfiles" / "reference" / "backend"


def test_its_own_tests_pass_from_a_clean_install(tmp_path: Path) -> None:
    node, npm = required("node", shutil.which("node")), required("npm", shutil.which("npm"))
    copy = shutil.copytree(BACKEND, tmp_path / "backend", ignore=shutil.ignore_patterns("node_modules"))
    environment = {**os.environ, "npm_config_update_notifier": "false"}
    installed = subprocess.run([npm, "ci"], cwd=copy, env=environment, capture_output=True, text=True, timeout=300)
    assert installed.returncode == 0, installed.stderr
    tested = subprocess.run([node, "--test"], cwd=copy, capture_output=True, text=True, timeout=120)
    assert tested.returncode == 0, tested.stdout
    passed = re.search(r"^# pass (\d+)$", tested.stdout, re.MULTILINE)
    assert passed
    assert int(passed[1]) > 0


def test_its_lock_file_names_no_host() -> None:
    assert "resolved" not in (BACKEND / "package-lock.json").read_text()
