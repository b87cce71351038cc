"""dockerfiles/compose.yaml fits the Dockerfiles and services it names. No engine is asked: its files are read."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dockerfiles.test_dockerfiles import Dockerfile

DOCKERFILES = Path(__file__).parents[2] / "dockerfiles"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKERFILES / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
PINNED = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")


def dockerfile_of(name: str) -> Path:
    build = BUILT[name]["build"]
    return Path(DOCKERFILES, build["context"], build["dockerfile"]).resolve()


def sources_of(name: str) -> str:
    context = DOCKERFILES / BUILT[name]["build"]["context"]
    files = [*(context / "src").glob("*.js"), *context.glob("*.py")]
    return "\n".join(path.read_text() for path in files)


def test_every_kind_of_service_is_in_it() -> None:
    assert {dockerfile_of(name) for name in BUILT} == set(DOCKERFILES.glob("*.Dockerfile"))
    assert {BUILT[name]["build"]["context"] for name in BUILT} == {
        f"reference/{path.name}" for path in (DOCKERFILES / "reference").iterdir()
    }


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "image" in service])
def test_what_is_not_built_is_pinned_by_digest(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"])


@pytest.mark.parametrize("name", BUILT)
def test_what_is_built_runs_as_confined_as_on_cloud_run(name: str) -> None:
    service = BUILT[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["stop_grace_period"] == "10s"
    assert "ports" not in service


@pytest.mark.parametrize("name", BUILT)
def test_its_variables_are_read_by_the_service(name: str) -> None:
    sources = sources_of(name)
    assert [variable for variable in BUILT[name].get("environment", {}) if variable not in sources] == []


def test_only_this_machine_reaches_it() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_gateway_names_services_and_the_ports_they_expose() -> None:
    gateway = (DOCKERFILES / "compose" / "gateway.conf").read_text()
    targets = re.findall(r"proxy_pass http://(\w+):(\d+);", gateway)
    assert sorted(name for name, _ in targets) == ["backend", "frontend"]
    for name, port in targets:
        assert Dockerfile(dockerfile_of(name).read_text()).of("EXPOSE") == [port]
    (port,) = re.findall(r"listen (\d+);", gateway)
    assert SERVICES["gateway"]["ports"] == [f"127.0.0.1:8080:{port}"]


def test_the_database_is_migrated_before_anybody_uses_it() -> None:
    users = {name for name in BUILT if "DATABASE_URL" in BUILT[name].get("environment", {})} - {"migrations"}
    assert users == {"backend", "worker", "retention"}
    for name in users:
        assert BUILT[name]["depends_on"]["migrations"] == {"condition": "service_completed_successfully"}
    assert BUILT["migrations"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    build = (DOCKERFILES / BUILT["migrations"]["build"]["context"] / "build.js").read_text()
    assert BUILT["migrations"]["command"] == ["dist/migrate.js"]
    assert '"src/migrate.js"' in build


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.compose-spec", "dockerfiles/compose.yaml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
        ("vendor.renovate", ".github/renovate.json"),
    ],
)
def test_its_own_schema_takes_it(schema: str, file: str) -> None:
    """And the other files that only others' programs read."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [str(checker), "--builtin-schema", schema, file]
    taken = subprocess.run(command, cwd=DOCKERFILES.parent, capture_output=True, text=True, timeout=60)
    assert taken.returncode == 0, taken.stdout + taken.stderr
