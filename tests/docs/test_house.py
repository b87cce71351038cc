"""One name, every room: a function, its Terraform file, its alert, its runbook and its row in the reference."""

import re
from pathlib import Path

import pytest

from scripts.package_functions import functions
from scripts.pin_requirements import FUNCTIONS

REPOSITORY = Path(__file__).parents[2]
REFERENCE = (REPOSITORY / "docs" / "reference" / "functions.md").read_text()
each = pytest.mark.parametrize("name", functions())


def alert(function: str) -> str:
    return "".join(word.title() for word in function.split("_")) + "Failing"


@each
def test_a_function_has_its_terraform_file_runbook_and_row(name: str) -> None:
    code = (REPOSITORY / "terraform" / "platform" / f"{name}.tf").read_text()
    assert re.search(rf'module "{name}" {{\n  source = "../modules/function"\n', code)
    assert re.search(rf'\n  name\s+= "{name}"\n', code)
    assert (REPOSITORY / "docs" / "runbooks" / f"{alert(name)}.md").is_file()
    [row] = [line for line in REFERENCE.splitlines() if line.startswith(f"| [`{name}`]")]
    assert f"../runbooks/{alert(name)}.md" in row
    assert name in FUNCTIONS, "scripts/pin_requirements.py pins it"


def test_no_terraform_file_deploys_a_function_that_is_not_there() -> None:
    files = (REPOSITORY / "terraform" / "platform").glob("*.tf")
    deployed = [
        name
        for path in files
        for name in re.findall(r'module "(\w+)" {\n  source = "../modules/function"', path.read_text())
    ]
    assert sorted(deployed) == sorted(functions())


def test_every_runbook_is_in_the_reference() -> None:
    pages = {page.stem for page in (REPOSITORY / "docs" / "runbooks").glob("[A-Z]*.md")}
    assert set(re.findall(r"\(\.\./runbooks/(\w+)\.md\)", REFERENCE)) == pages


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = sorted(path.name[:4] for path in (REPOSITORY / "docs" / "decisions").glob("*.md"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
