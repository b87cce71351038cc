"""The three environments are sound; a wrong one is told with every problem, each with its file and line."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import environments as command
from scripts.configuration import environments, for_functions, for_workflows, json_schema
from scripts.configuration.environments import DIRECTORY
from shared.config.environment import load_environment
from shared.rollout.strategy import Strategy

ALL = environments.names()
Break = Callable[[dict[str, Any]], None]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(DIRECTORY, tmp_path / "environments", ignore=shutil.ignore_patterns("*.tf*", ".terraform*"))
    return tmp_path / "environments"


def edited(directory: Path, name: str, change: Break) -> list[str]:
    """The problems after `change` of one environment's own file."""
    path = directory / name / "environment.yaml"
    value = yaml.safe_load(path.read_text())
    change(value)
    path.write_text(yaml.safe_dump(value))
    return [str(problem) for problem in environments.read(name, directory).problems]


@pytest.mark.parametrize("name", ALL)
def test_every_environment_is_sound(name: str) -> None:
    reading = environments.read(name)
    assert reading.problems == ()
    assert reading.found is not None


def test_there_are_three() -> None:
    assert set(ALL) == {"dev", "staging", "production"}


@pytest.mark.parametrize("name", ALL)
def test_the_functions_accept_their_part(name: str) -> None:
    found = environments.read(name).found
    assert found is not None
    environment = load_environment(for_functions.delivery_environment(found))
    assert environment.name == name
    assert environment.region == found.regions.serving
    assert environment.ledger_bucket != environment.control_bucket
    assert set(environment.services) == set(found.services)
    assert all(service.image.endswith(f"/apps/{key}") for key, service in environment.services.items())


def _backups(row: dict[str, Any], **change: Any) -> None:
    row["databases"]["chat"]["backups"].update(change)


WRONG: list[tuple[str, Break, str]] = [
    ("unknown", lambda row: row.update(colour="red"), "colour: unknown field"),
    ("missing", lambda row: row.pop("domain"), "domain: missing"),
    ("pattern", lambda row: row["project"].update(id="X"), "project.id: must match"),
    ("type", lambda row: row["project"].update(number=5), "project.number: must be a text"),
    ("true is no number", lambda row: row["costs"].update(log_days=True), "costs.log_days: must be a whole number"),
    ("low", lambda row: row["costs"].update(log_days=0), "costs.log_days: must be 1 or more"),
    ("high", lambda row: row["protection"].update(ledger_days=9999), "protection.ledger_days: must be 3650 or less"),
    ("choice", lambda row: row.update(name="moon"), "name: must be one of dev, staging, production"),
    ("row", lambda row: row.update(protection=[]), "protection: must be a mapping"),
    ("list", lambda row: row.update(operators="me"), "operators: must be a list"),
    ("map", lambda row: row.update(databases=[]), "databases: must be a mapping"),
    ("few", lambda row: row.update(operators=[]), "operators: must have at least 1"),
    ("item", lambda row: row.update(operators=["me"]), "operators.0: must match"),
    ("all users", lambda row: row.update(operators=["allUsers"]), "operators.0: must match"),
    ("function's field", lambda row: row["services"]["backend"].update(deploy_tags="("), "deploy_tags: not a regular"),
    (
        "function's knob",
        lambda row: row["services"]["backend"].update(strategy={"steps": [50, 5]}),
        "services.backend.strategy.steps: must be ascending",
    ),
    (
        "scaling",
        lambda row: row["services"]["backend"].update(scaling={"instances_min": 9, "instances_max": 3}),
        "services.backend.scaling.instances_min: must not be above instances_max",
    ),
    (
        "no such",
        lambda row: row["services"]["backend"].update(database="x"),
        "backend.database: there is no database x",
    ),
    ("paths", lambda row: row["services"]["backend"].update(paths=[]), "backend.paths: a backend has paths"),
    (
        "another's path",
        lambda row: row["services"]["backend"].update(uptime_path="/"),
        "services.backend.uptime_path: leads to another service",
    ),
    ("frontends", lambda row: row["services"]["backend"].update(kind="frontend"), "services: must have exactly one"),
    ("name of a service", lambda row: row["services"].update({"B!": {}}), "services.B!: a name here must match"),
    (
        "in both",
        lambda row: row["services"]["backend"].update(
            variables={"A": "1"}, secrets={"A": {"secret": "a", "version": "1"}}
        ),
        "services.backend.secrets.A: is among the variables too",
    ),
    (
        "latest",
        lambda row: row["services"]["backend"].update(secrets={"A": {"secret": "a", "version": "latest"}}),
        "services.backend.secrets.A.version: must match",
    ),
    (
        "secret in clear",
        lambda row: row["services"]["backend"].update(variables={"URL": "postgres://chat:hunter2@10.0.0.3/chat"}),
        "services.backend.variables.URL: looks like a secret",
    ),
    (
        "a key of another region",
        lambda row: row["protection"].update(encryption_keys={"africa-south1": "projects/p/locations/global/x"}),
        "protection.encryption_keys.africa-south1: must be projects/P/locations/africa-south1/keyRings",
    ),
    (
        "a region without a key",
        lambda row: row["protection"].update(encryption_keys={"africa-south1": "k"}),
        "protection.encryption_keys: has no key of europe-west1",
    ),
    (
        "the registry's key of another region",
        lambda row: row.update(registry={"encryption_key": "projects/p/locations/global/keyRings/r/cryptoKeys/k"}),
        "registry.encryption_key: must lie in europe-west1",
    ),
    ("an age Google cannot wait for", lambda row: _backups(row, verified_age_hours_max=25), "must be 26 or more"),
    ("one region", lambda row: row.update(regions={"backups": "africa-south1"}), "regions.backups: must not be"),
    (
        "window",
        lambda row: row.update(
            freeze_windows=[{"name": "now", "why": "x", "starts": "0 1 * * *", "ends": "0 1 * * *", "time_zone": "UTC"}]
        ),
        "freeze_windows.0.ends: is also its start",
    ),
    (
        "repeated",
        lambda row: row.update(regions={"serving": "africa-south1"}),
        "regions.serving: is the same in common",
    ),
]


@pytest.mark.parametrize(("change", "told"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_problem_is_told_with_its_field(copy: Path, change: Break, told: str) -> None:
    problems = edited(copy, "dev", change)
    assert any(told in problem for problem in problems), problems


def test_every_problem_is_told_at_once_each_with_its_own_line(copy: Path) -> None:
    path = copy / "staging" / "environment.yaml"
    text = (
        path.read_text().replace("instances_max: 5", "instances_max: many", 1).replace("log_days: 30", "log_days: -1")
    )
    path.write_text(text.replace("domain: staging", "domain: _"))
    marks = ("instances_max: many", "log_days: -1", "domain: _")
    lines = enumerate(path.read_text().splitlines(), 1)
    expected = {number for number, line in lines if any(mark in line for mark in marks)}
    problems = environments.read("staging", copy).problems
    assert {(problem.file, problem.line) for problem in problems} == {
        ("staging/environment.yaml", number) for number in expected
    }
    assert len(problems) == 3


def test_a_problem_of_the_common_file_is_told_there(copy: Path) -> None:
    common = copy / "common.yaml"
    common.write_text(common.read_text().replace("port: 8080", "port: 0", 1))
    [problem] = environments.read("dev", copy).problems
    assert (problem.file, problem.where) == ("common.yaml", "services.frontend.port")


def test_a_directory_and_its_name_agree(copy: Path) -> None:
    assert any('must be "dev"' in problem for problem in edited(copy, "dev", lambda row: row.update(name="staging")))


def test_the_editors_schema_is_up_to_date() -> None:
    assert command.SCHEMA.read_text() == json.dumps(json_schema.schema(), indent=2) + "\n"
    assert command.main(["schema", "--check"]) == 0


def test_the_editors_schema_knows_every_knob_of_the_strategy() -> None:
    strategy = json_schema.schema()["properties"]["services"]["additionalProperties"]["properties"]["strategy"]
    assert {name.removesuffix("_seconds") for name in strategy["properties"]} == {
        knob.name for knob in fields(Strategy)
    }


def test_validate_says_what_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["validate"]) == 0
    assert capsys.readouterr().out == "sound: dev, production, staging\n"


def test_validate_fails_on_what_is_not(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = copy / "common.yaml"
    common.write_text(common.read_text().replace("port: 8080", "port: 0", 1))
    monkeypatch.setattr(environments, "read", lambda name, read=environments.read: read(name, copy))
    assert command.main(["validate"]) == 1
    assert capsys.readouterr().out.count("services.frontend.port: must be 1 or more") == 1
    assert command.main(["show", "dev"]) == 1


def test_diff_tells_what_differs_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["diff", "staging", "production"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = {line.split()[0] for line in lines[1:]}
    assert {"project.id", "databases.chat.tier", "freeze_windows"} <= told
    assert not any(field.startswith(("registry", "github", "regions", "alerts")) for field in told)


def test_show_prints_the_whole_and_the_functions_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["show", "dev"]) == 0
    whole = yaml.safe_load(capsys.readouterr().out)
    assert whole["services"]["backend"]["scaling"] == {"instances_min": 0, "instances_max": 3}
    assert command.main(["show", "dev", "--functions"]) == 0
    assert load_environment(capsys.readouterr().out).project == "pushnchat-dev"


def test_the_matrix_is_in_the_order_of_promotion(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["matrix"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "environment": ["dev", "staging", "production"],
        "service": ["backend", "frontend"],
    }


@pytest.mark.parametrize(("workflow", "skipped"), [("promote", 1), ("rollback", 0)])
def test_workflows_offer_the_environments_there_are(
    workflow: str, skipped: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["matrix"]) == 0
    order = json.loads(capsys.readouterr().out)["environment"]
    text = (environments.REPOSITORY / ".github" / "workflows" / f"{workflow}.yml").read_text()
    assert f"options: [{', '.join(order[skipped:])}]" in text


@pytest.mark.parametrize("name", ALL)
def test_the_tag_that_the_workflows_push_is_the_one_that_deploys(name: str) -> None:
    tags = {
        "dev": "dev-" + "0a" * 20,
        "staging": "staging-20260102-030405-0123456789ab",
        "production": "production-20260102-030405-0123456789ab",
    }
    found = environments.read(name).found
    assert found is not None
    for service in load_environment(for_functions.delivery_environment(found)).services.values():
        for migration in ("", "-expand", "-contract") if service.database else ("",):
            pushed = {environment: tag + migration for environment, tag in tags.items()}
            assert {environment for environment, tag in pushed.items() if re.fullmatch(service.deploy_tags, tag)} == {
                name
            }


def test_workflows_are_told_an_environment_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["outputs", "production", "--account", "deployer"]) == 0
    told = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert told["project"] == "pushnchat-production"
    assert told["account"] == "github-deployer-production@pushnchat-production.iam.gserviceaccount.com"
    assert told["registry"].startswith(f"{told['registry_host']}/")
    assert command.main(["outputs", "dev"]) == 0
    assert "account=\n" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "kind"), [("dev", "promoter"), ("staging", "owner")])
def test_an_account_that_nobody_makes_is_told(name: str, kind: str) -> None:
    found = environments.read(name).found
    assert found is not None
    with pytest.raises(ValueError, match=f"^{kind}: "):
        for_workflows.account(found, kind)
