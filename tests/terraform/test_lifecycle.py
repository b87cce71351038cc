"""The code is well formed, valid, applies, and then has nothing left to do."""

import subprocess
from pathlib import Path

import pytest
import yaml

from scripts.configuration import environments
from tests.terraform.conftest import ENVIRONMENTS
from tests.terraform.stand import REPOSITORY, Root, without_a_cloud
from tests.tools import terraform

TERRAFORM = REPOSITORY / "terraform"
TESTED = sorted({path.parents[1].relative_to(TERRAFORM) for path in TERRAFORM.rglob("*.tftest.hcl")})


def test_every_file_is_formatted() -> None:
    command = [terraform(), "fmt", "-check", "-recursive", "-diff", "."]
    found = subprocess.run(command, cwd=TERRAFORM, capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_environment_is_valid_without_a_warning(name: str, code: Path) -> None:
    said = without_a_cloud(code / "environments" / name).validate()
    assert (said["valid"], said["diagnostics"]) == (True, [])


def test_a_second_plan_changes_nothing(environment: Root) -> None:
    assert environment.changes() == {}


@pytest.mark.parametrize("module", TESTED, ids=str)
def test_the_modules_own_tests_pass(module: Path, code: Path) -> None:
    assert "Success!" in without_a_cloud(code / module).run("test", "-no-color").stdout


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_root_is_thin_and_keeps_its_state_where_bootstrap_made_room(name: str) -> None:
    text = (TERRAFORM / "environments" / name / "main.tf").read_text()
    common = yaml.safe_load((TERRAFORM / "environments" / "common.yaml").read_text())
    assert f'bucket = "{common["registry"]["project"]["id"]}-terraform-state"' in text
    assert f'prefix = "environments/{name}"' in text
    assert "resource " not in text
    others = set(ENVIRONMENTS) - {name}
    assert not any(other in text for other in others)


def test_the_environments_are_those_that_are_configured() -> None:
    assert set(environments.names()) == set(ENVIRONMENTS)
    assert {path.parent.name for path in (TERRAFORM / "environments").glob("*/main.tf")} == set(ENVIRONMENTS)


@pytest.mark.parametrize("path", sorted(TERRAFORM.rglob("*.tf")), ids=lambda path: str(path.relative_to(TERRAFORM)))
def test_nothing_runs_a_program_or_rolls_dice(path: Path) -> None:
    text = path.read_text()
    assert not [
        word for word in ("null_resource", "local-exec", "remote-exec", "random_", "terraform_data") if word in text
    ]
