"""Every requirements file holds the pins in use, and a function carries only what all of them together do."""

from pathlib import Path

import pytest

from scripts.pin_requirements import FUNCTIONS, REPOSITORY, files

WANTED = files()


def pins(text: str) -> set[str]:
    return {line for line in text.splitlines() if "==" in line}


@pytest.mark.parametrize("path", sorted(WANTED), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_requirements_file_holds_every_pin_in_use(path: Path) -> None:
    assert pins(WANTED[path]) <= pins(path.read_text())


def test_every_function_has_pins_and_they_are_a_subset_of_the_union() -> None:
    assert set(FUNCTIONS) == {path.parent.name for path in (REPOSITORY / "functions").glob("*/main.py")}
    union = pins((REPOSITORY / "requirements.txt").read_text())
    for name in FUNCTIONS:
        assert pins((REPOSITORY / "functions" / name / "requirements.txt").read_text()) <= union
