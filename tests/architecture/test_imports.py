"""Who may import whom is checked by a tool, and the tool is checked here: what is planted must be found."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")
WIRING = "Only wiring knows the adapters, only the door and main know HTTP"
MAIN = "Only main opens the door and wires the real world"
PURE = "Only adapters know Google and the network"
PLANTED = [
    ("functions/notify/handler.py", "from shared.adapters.pubsub import PubSubMessages", WIRING),
    ("functions/notify/handler.py", "import google.cloud.run_v2", WIRING),
    ("functions/notify/handler.py", "from googleapiclient import discovery", WIRING),
    ("functions/notify/handler.py", "import flask", WIRING),
    ("functions/notify/handler.py", "import functions_framework", WIRING),
    ("functions/notify/handler.py", "from shared.runtime.wiring import GoogleCloud", MAIN),
    ("functions/health_verify/reading.py", "import requests", WIRING),
    ("functions/restore_drill/steps.py", "import grpc", WIRING),
    ("functions/notify/main.py", "from shared.adapters.storage import StorageLedger", WIRING),
    ("functions/notify/steps_nobody_listed.py", "import google.cloud.storage", WIRING),
    ("shared/runtime/care.py", "import google.auth", WIRING),
    ("shared/runtime/turn.py", "from shared.adapters.clock import SystemClock", WIRING),
    ("shared/runtime/care.py", "import flask", WIRING),
    ("shared/rollout/decide.py", "import socket", PURE),
    ("shared/events/tick.py", "import google.cloud.pubsub_v1", PURE),
    ("shared/rollout/decide.py", "from shared.events import tick", "Layers: doors on top, pure rules at the bottom"),
    (
        "functions/notify/handler.py",
        "from functions.sql_backup import handler as other",
        "Functions never import each other",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the linter reads, and nothing else."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("functions", "shared"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    return root


def lint(root: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    return subprocess.run(
        [str(LINTER), "--no-cache"], cwd=root, env=environment, capture_output=True, text=True, timeout=120
    )


def test_the_house_as_it_stands_is_kept(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("path", "line", "contract"), PLANTED, ids=[f"{path}: {line}" for path, line, _ in PLANTED])
def test_what_is_planted_is_found(copy: Path, path: str, line: str, contract: str) -> None:
    file = copy / path
    before = file.read_text() if file.exists() else None
    # Inside a function: where it would be imported late, which is no excuse.
    file.write_text(f"{before or ''}\n\ndef planted() -> None:\n    {line}\n")
    try:
        done = lint(copy)
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
    assert done.returncode == 1, done.stdout
    assert f"{contract} BROKEN" in done.stdout
