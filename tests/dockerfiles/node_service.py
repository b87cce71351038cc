"""A reference service of Node, installed from its lock file, and its own tests."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.tools import required

REFERENCE = Path(__file__).parents[2] / "dockerfiles" / "reference"


def clean_install(service: str, directory: Path) -> Path:
    """A copy of all reference services, of which this one is installed; where it is."""
    npm = required("npm", shutil.which("npm"))
    ignored = shutil.ignore_patterns("node_modules", "dist", ".next")
    copy = shutil.copytree(REFERENCE, directory / "reference", ignore=ignored) / service
    environment = {**os.environ, "npm_config_update_notifier": "false"}
    command = [npm, "ci", "--ignore-scripts"]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return copy


def own_tests(service: Path, **environment: str) -> dict[str, int]:
    """How many passed and how many were skipped. Raises AssertionError when one failed."""
    node = required("node", shutil.which("node"))
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [node, "--test", "--test-reporter=tap"]
    done = subprocess.run(
        command, cwd=service, env=inherited | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout
    return {name: int(count) for name, count in re.findall(r"^# (pass|skipped) (\d+)$", done.stdout, re.MULTILINE)}


def names_no_host(service: str) -> bool:
    """Whether its lock file can be installed from any registry."""
    return "resolved" not in (REFERENCE / service / "package-lock.json").read_text()
