"""`scripts/fuzz` tries readers by the branches it reaches, and says what it tried."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.tools import required

REPOSITORY = Path(__file__).parents[2]


def fuzz(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "scripts.fuzzing", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)


def test_a_reader_is_tried_and_the_number_of_inputs_is_said() -> None:
    spec = find_spec("atheris")
    required("atheris", spec.origin if spec else None)
    done = fuzz("tick", "--seconds", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "inputs, nothing broke it" in done.stdout


def test_an_unknown_reader_is_refused_by_name() -> None:
    assert "nobody: must be of envelope, cloud event" in fuzz("nobody").stderr
