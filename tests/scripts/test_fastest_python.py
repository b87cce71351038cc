"""Which Python the virtual environment is made of, among programs that answer as Pythons would."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fastest_python.py"


def chosen(folder: Path, pythons: dict[str, str], *named: str) -> str:
    """What is printed, "" for nothing. pythons: what each program on PATH says; "" when it fails."""
    for name, said in pythons.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{said} /builds/{name}'\n" if said else "#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, SCRIPT, *named], env={"PATH": str(folder)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == (0 if done.stdout else 1)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("pythons", "expected"),
    [
        ({"python3": "3 11 0.0040", "python3.11": "3 11 0.0030"}, "/builds/python3.11"),
        ({"python3": "3 11 0.0040", "python3.11": "3 11 0.0038"}, "/builds/python3"),  # no clear difference
        ({"python3": "3 13 0.0010", "python3.11": "3 11 0.0040"}, "/builds/python3.11"),  # the functions' own
        ({"python3": "3 14 0.0010"}, "/builds/python3"),
        ({"python3": "3 9 0.0010", "python3.13": "3 13 0.0040"}, "/builds/python3.13"),
        ({"python3": "", "python3.12": "3 12 0.0040"}, "/builds/python3.12"),  # it can make no environment
        ({"python3": "3 10 0.0010"}, ""),
        ({}, ""),
    ],
)
def test_the_clearly_quicker_of_those_the_functions_run_on(
    tmp_path: Path, pythons: dict[str, str], expected: str
) -> None:
    assert chosen(tmp_path, pythons) == expected


def test_the_one_that_is_named_or_none(tmp_path: Path) -> None:
    on_path = {"python3": "3 11 0.0010", "mine": "3 12 0.0040"}
    assert chosen(tmp_path, on_path, str(tmp_path / "mine")) == "/builds/mine"
    assert chosen(tmp_path, on_path, str(tmp_path / "none")) == ""


def test_a_real_python_makes_an_environment() -> None:
    done = subprocess.run([sys.executable, SCRIPT, sys.executable], capture_output=True, text=True, check=True)
    version = subprocess.run([done.stdout.strip(), "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.split()[1].split(".")[:2] == [str(part) for part in sys.version_info[:2]]
