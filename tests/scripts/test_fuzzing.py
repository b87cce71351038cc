"""`scripts/fuzz` tries readers by the branches it reaches, and says what it tried."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.tools import required

REPOSITORY = Path(__file__).parents[2]
BROKEN = """import json

def read(data):
    body = json.loads(data)
    if not isinstance(body, dict):
        raise ValueError("must be an object")
    if body.get("kind") == "push":
        return body["to"]
    return None
"""
ITS_READERS = """from typing import NamedTuple
from shared.planted import read

class Reader(NamedTuple):
    read: object
    refuses: tuple
    samples: tuple

def readers():
    return {"planted": Reader(read, (ValueError, RecursionError), (b'{"kind": "push", "to": "web"}',))}
"""


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


def test_a_planted_mistake_is_found_and_the_input_is_kept(tmp_path: Path) -> None:
    spec = find_spec("atheris")
    required("atheris", spec.origin if spec else None)
    shutil.copytree(REPOSITORY / "scripts" / "fuzzing", tmp_path / "scripts" / "fuzzing")
    found = tmp_path / "tests" / "fuzz" / "found"
    found.mkdir(parents=True)
    (tmp_path / "tests" / "fuzz" / "readers.py").write_text(ITS_READERS)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "planted.py").write_text(BROKEN)
    command = [sys.executable, "-m", "scripts.fuzzing", "planted", "--seconds", "60"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, "KeyError: 'to'" in done.stdout) == (1, True), done.stdout + done.stderr
    [kept] = found.iterdir()
    assert kept.name.startswith("planted-")
    body = json.loads(kept.read_bytes())
    assert body["kind"] == "push"
    assert "to" not in body
