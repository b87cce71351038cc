"""An alert's name is a runbook's file name; every runbook says what to look at, what to do and how to practise."""

import re
from pathlib import Path

import pytest

from scripts.package_functions import functions

REPOSITORY = Path(__file__).parents[2]
RUNBOOKS = sorted((REPOSITORY / "docs" / "runbooks").glob("[A-Z]*.md"))
TERRAFORM = REPOSITORY / "terraform"
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Drill"]
LENGTH_MAX = 8192  # of a policy's documentation, in characters
each = pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)


def alerts() -> set[str]:
    """The alerts that Terraform names; the one every function has is named after the function."""
    text = "".join(path.read_text() for path in TERRAFORM.rglob("*.tf"))
    uses = re.findall(r'source\s*=\s*"\.\./(?:modules/)?alert"(.*?)\n}\n', text, re.DOTALL)
    named = {match[1] for use in uses if (match := re.search(r'\n  name\s*=\s*"(\w+)"', use))}
    return named | {"".join(word.title() for word in name.split("_")) + "Failing" for name in functions()}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {page.stem for page in RUNBOOKS} == alerts()


@each
def test_a_runbook_has_every_section_in_order_and_none_is_empty(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.stem}\n")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    assert parts[1::2] == SECTIONS
    assert all(part.strip() for part in parts[2::2])


@each
def test_diagnosis_mitigation_and_drill_can_be_pasted(page: Path) -> None:
    parts = dict(zip(SECTIONS, re.split(r"^## .+$", page.read_text(), flags=re.MULTILINE)[1:], strict=True))
    for section in ("Diagnosis", "Mitigation", "Drill"):
        assert "```sh\n" in parts[section], section
    assert "Undo" in parts["Mitigation"]


@each
def test_a_runbook_fits_into_the_page_it_is_sent_with(page: Path) -> None:
    text = page.read_text()
    assert len(text) <= LENGTH_MAX
    assert "${" not in text, "Monitoring would replace it"


@each
def test_scripts_that_a_runbook_calls_exist(page: Path) -> None:
    text = page.read_text()
    called = re.findall(r"\bscripts/[a-z_]+\.py", text)
    assert [path for path in called if not (REPOSITORY / path).is_file()] == []
    for subscription in re.findall(r"replay_dead_letters\.py ([a-z][a-z-]*)", text):
        assert any(subscription in path.read_text() for path in (TERRAFORM / "platform").glob("*.tf")), subscription
    assert set(re.findall(r"--rejected ([a-z_]+)", text)) <= set(functions())
