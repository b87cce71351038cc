"""Terraform lays one file over another exactly as Python does, however deep the override."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml

from scripts.configuration import environments
from scripts.configuration.declaration import Configuration
from scripts.configuration.documents import Where
from tests.tools import terraform

TERRAFORM = environments.REPOSITORY / "terraform"
QUIET = {"NO_COLOR": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
ROWS = {("services",), ("databases",)}  # a key more would be a service without an image
NAME = "NAME"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns(".terraform*", "main.tf", "tests")
    shutil.copytree(TERRAFORM / "environments", tmp_path / "environments", ignore=ignored)
    shutil.copytree(TERRAFORM / "modules" / "configuration", tmp_path / "modules" / "configuration")
    return tmp_path


def by_terraform(copy: Path, name: str) -> Any:
    """What the module makes of the two files; it needs no provider."""
    directory = copy / "modules" / "configuration"
    for arguments in (["init"], ["apply", "-auto-approve", f"-var=environment={name}"], ["output", "-json", "whole"]):
        command = [terraform(), *arguments, "-no-color"]
        done = subprocess.run(command, cwd=directory, env={**QUIET, "PATH": ""}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def by_python(copy: Path, name: str) -> Any:
    return environments.read(name, copy / "environments").document.value


def laid_over(copy: Path, name: str, common: Any, own: Any) -> None:
    (copy / "environments" / "common.yaml").write_text(yaml.safe_dump(common))
    (copy / "environments" / name / "environment.yaml").write_text(yaml.safe_dump(own))


def parts(copy: Path, name: str) -> tuple[Any, Any]:
    directory = copy / "environments"
    return tuple(
        yaml.safe_load(path.read_text()) for path in (directory / "common.yaml", directory / name / "environment.yaml")
    )


def declared(kind: Any = Configuration, where: Where = ()) -> Iterator[Where]:
    """Every place where a mapping may stand; what may be called anything is called NAME."""
    if is_dataclass(kind):
        yield where
        for name, inner in get_type_hints(kind).items():
            metadata = {knob.name: knob.metadata for knob in fields(kind)}[name]
            if name == "strategy" and metadata.get("delegated"):
                yield (*where, name)
            yield from declared(inner, (*where, name))
    elif get_origin(kind) is not None and get_origin(kind) is not tuple:
        yield where
        yield from declared(get_args(kind)[1], (*where, NAME))


def mappings(value: Any, where: Where = ()) -> Iterator[tuple[Where, dict[str, Any]]]:
    """Every mapping of the value, with its place."""
    if isinstance(value, dict):
        yield where, value
        for key, inner in value.items():
            yield from mappings(inner, (*where, key))


def matches(wanted: Where, where: Where) -> bool:
    return len(wanted) == len(where) and all(w in (NAME, part) for w, part in zip(wanted, where, strict=True))


def put(value: dict[str, Any], where: Where, key: str) -> None:
    for part in where:
        value = value.setdefault(str(part), {})
    value[key] = key


def test_an_override_at_every_declared_depth_means_the_same_to_both(copy: Path) -> None:
    common, own = parts(copy, "dev")
    places = [where for where, _ in mappings(by_python(copy, "dev"))]
    assert [wanted for wanted in declared() if not any(matches(wanted, where) for where in places)] == []
    assert max(len(where) for where in places) == 5, "a sixth needs another step in modules/configuration"
    for where in places:
        if where not in ROWS:
            put(common, where, "only_common")
            put(own, where, "only_own")
            put(common, where, "both")
            put(own, where, "both")
    laid_over(copy, "dev", common, own)
    told = by_python(copy, "dev")
    assert all({"only_common", "only_own", "both"} <= row.keys() for where, row in mappings(told) if where not in ROWS)
    assert by_terraform(copy, "dev") == told


@pytest.mark.parametrize(
    ("override", "place", "kept"),
    [
        (
            {"services": {"backend": {"secrets": {"DATABASE_URL": {"version": "2"}}}}},
            ("services", "backend", "secrets", "DATABASE_URL"),
            {"secret": "backend-database-url", "version": "2"},
        ),
        (
            {"databases": {"chat": {"backups": {"checks": {"another": "SELECT true"}}}}},
            ("databases", "chat", "backups", "checks"),
            {"another": "SELECT true", "every-message-has-text": "SELECT count(*) = count(text) FROM public.messages"},
        ),
    ],
    ids=["a secret's version", "one check more"],
)
def test_an_override_of_one_key_loses_none_beside_it(
    copy: Path, override: dict[str, Any], place: Where, kept: dict[str, str]
) -> None:
    common, own = parts(copy, "dev")
    for where, row in mappings(override):
        for key, value in row.items():
            if not isinstance(value, dict):
                put(own, where, key)
                _at(own, where)[key] = value
    laid_over(copy, "dev", common, own)
    assert environments.read("dev", copy / "environments").problems == ()
    found = by_terraform(copy, "dev")
    assert _at(found, place) == kept
    assert found == by_python(copy, "dev")


def _at(value: Any, where: Where) -> Any:
    for part in where:
        value = value[part]
    return value
