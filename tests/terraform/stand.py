"""A copy of the Terraform code with its zips, planned and applied with a stand-in for the provider: in memory alone."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from scripts.package_functions import functions, package
from tests.tools import TERRAFORM_OFFLINE, terraform_with_a_provider

REPOSITORY = Path(__file__).parents[2]
BACKEND = 'terraform {\n  backend "http" {}\n}\n'
STATE = "applied.tfstate"
SETTINGS = {
    "NO_COLOR": "1",
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "CHECKPOINT_DISABLE": "1",
    "GOGC": "800",  # memory is there; collecting it as often as Go would takes a fourth of the time
}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else holds the lock, in this process or another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class _States(SimpleHTTPRequestHandler):
    """Keeps a state in the file that its URL names."""

    def do_POST(self) -> None:
        Path(self.translate_path(self.path)).write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # the base class names it so
        pass


@contextmanager
def state_of(directory: Path) -> Iterator[str]:
    """The URL of the directory's state, for Terraform's http backend: that writes it when all is applied.

    The local one writes all of it again after every resource, which takes twice as long as to apply them.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_States, directory=str(directory))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{STATE}"
        finally:
            server.shutdown()
            thread.join()


class TerraformFailed(AssertionError):
    """Terraform ended with an error; the text is its own."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a state or of a plan, with every value that is known."""

    address: str
    kind: str
    values: Mapping[str, Any]


def copied(directory: Path) -> Path:
    """The Terraform code, the runbooks it reads and the functions' zips, in a directory that may be written to."""
    ignored = shutil.ignore_patterns(".terraform*", "terraform.tfstate*")
    shutil.copytree(REPOSITORY / "terraform", directory / "terraform", ignore=ignored)
    shutil.copytree(REPOSITORY / "docs" / "runbooks", directory / "docs" / "runbooks")
    for name in functions():
        package(name).write(directory / "build" / "zips")
    return directory / "terraform"


def without_a_cloud(directory: Path) -> "Root":
    """For `validate` and `test`, which need the provider's schema and no cloud; skips where neither can be had."""
    try:
        return Root(terraform_with_a_provider(), directory)
    except TerraformFailed as error:
        if TERRAFORM_OFFLINE in os.environ:
            raise
        pytest.skip(f"no registry has the google provider: NOTHING WAS VALIDATED ({str(error)[:200]})")


class Root:
    """A directory of Terraform code, initialised. command: how Terraform is run, before its arguments."""

    def __init__(self, command: list[str], directory: Path) -> None:
        self._command = command
        self.directory = directory
        with self._once("initialised") as first:
            if first:
                if 'backend "gcs"' in "".join(path.read_text() for path in directory.glob("*.tf")):
                    (directory / "backend_override.tf").write_text(BACKEND)
                self.run("init", "-no-color")

    @contextmanager
    def _once(self, what: str) -> Iterator[bool]:
        """Whether nobody has done it here yet; when the block ends well, somebody has."""
        done = self.directory / f".{what}"
        with locked(self.directory / ".lock"):
            yield not done.exists()
            done.touch()

    def run(self, *arguments: str, accepted: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """Raises TerraformFailed with what Terraform said."""
        with state_of(self.directory) as address:
            done = subprocess.run(
                [*self._command, *arguments],
                cwd=self.directory,
                env={**os.environ, **SETTINGS, "TF_HTTP_ADDRESS": address},
                capture_output=True,
                text=True,
                timeout=300,
            )
        if done.returncode not in accepted:
            raise TerraformFailed(f"terraform {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def validate(self) -> dict[str, Any]:
        done = self.run("validate", "-json", accepted=(0, 1))
        return dict(json.loads(done.stdout))

    def apply_once(self) -> None:
        with self._once("applied") as first:
            if first:
                self.run("apply", "-auto-approve", "-no-color")

    def changes(self) -> dict[str, dict[str, Any]]:
        """What a plan against the present state would change: each address's "actions", "before" and "after"."""
        done = self.run("plan", "-detailed-exitcode", "-no-color", "-out=next", accepted=(0, 2))
        if done.returncode == 0:
            return {}
        rows = self.plan()["resource_changes"]
        return {row["address"]: row["change"] for row in rows if row["change"]["actions"] != ["no-op"]}

    def plan(self) -> dict[str, Any]:
        """The last plan that `changes` made, as `terraform show -json` tells it."""
        return dict(json.loads(self.run("show", "-json", "next").stdout))

    @cached_property
    def state(self) -> dict[str, Any]:
        """The applied state as `terraform show -json` tells it."""
        return dict(json.loads(self.run("show", "-json").stdout))

    @property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(_resources(self.state["values"]["root_module"]))

    def of(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """The values of every resource of that kind, by address."""
        return {row.address: row.values for row in self.resources if row.kind == kind}

    def output(self, name: str) -> Any:
        return self.state["values"]["outputs"][name]["value"]


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    for row in module.get("resources", []):
        if row["mode"] == "managed":
            yield Resource(row["address"], row["type"], row["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)
