"""Images built and containers run on this machine, by buildah and podman, in a store of their own.

They are told what works everywhere: builds without a runtime (chroot), containers by runc on the host's network, in
plain cgroups, with limits that a container inside a container may set. Where we are not root, sudo is asked, and must
not ask back.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

PROGRAMS = ("buildah", "podman", "runc", "conmon", "busybox")
MEMORY = "512m"
_BUILD_SECONDS_MAX = 600
_CALL_SECONDS_MAX = 120
_RUNTIME = ("--runtime", "runc", "--cgroup-manager", "cgroupfs")
_CONFINED = (
    *("--network", "host", "--no-healthcheck", "--log-driver", "k8s-file"),
    *("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=4096:4096"),
    *("--cap-drop", "all", "--security-opt", "no-new-privileges", "--memory", MEMORY),
)


class ProgramFailed(RuntimeError):
    """buildah or podman ended with a status above 0; the text is what they wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An image made of one archive. entrypoint: a program, or "" for none."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: str = ""
    user: str = ""

    def changes(self) -> list[str]:
        """As lines of a Dockerfile."""
        lines = [f"ENV {name}={value}" for name, value in self.environment.items()]
        lines += [f'ENTRYPOINT ["{self.entrypoint}"]'] if self.entrypoint else []
        return lines + ([f"USER {self.user}"] if self.user else [])


class Ran(NamedTuple):
    status: int
    output: str


class Engine:
    """directory: where images are kept, from one run to the next."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._rights = () if os.geteuid() == 0 else ("sudo", "--non-interactive")
        self._store = self._kept_by("overlay")
        possible = subprocess.run([*self._rights, "podman", *self._store, *_RUNTIME, "info"], capture_output=True)
        if possible.returncode != 0:
            # Where the kernel has no overlay for us, every layer is a whole copy: slower, and the same otherwise.
            self._store = self._kept_by("vfs")

    def _kept_by(self, driver: str) -> tuple[str, ...]:
        where = self._directory / driver
        return ("--root", str(where / "store"), "--runroot", str(where / "run"), "--storage-driver", driver)

    def load(self, base: Base, archive: Path) -> None:
        """The archive as an image of this name. Raises ProgramFailed."""
        changes = [word for line in base.changes() for word in ("--change", line)]
        self.podman("import", *changes, str(archive), base.name)

    def build(
        self,
        dockerfile: Path,
        context: Path,
        *,
        tag: str = "",
        arguments: Mapping[str, str],
        target: str = "",
        output: Path | None = None,
    ) -> None:
        """As `docker build` does, asking no registry. output: for the last stage's files. Raises ProgramFailed."""
        command = ["bud", "--isolation", "chroot", "--format", "docker", "--pull-never", "--layers", "--quiet"]
        command += [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        command += ["--tag", tag] if tag else []
        command += ["--target", target] if target else []
        command += ["--output", f"type=local,dest={output}"] if output else []
        self._call("buildah", [*self._store, *command, "--file", str(dockerfile), str(context)], _BUILD_SECONDS_MAX)

    def inspect(self, image: str) -> dict[str, Any]:
        """What the image says of itself. Raises ProgramFailed."""
        (found,) = json.loads(self.podman("image", "inspect", image))
        described: dict[str, Any] = found
        return described

    def history(self, image: str) -> list[dict[str, Any]]:
        """Its layers, newest first, with the command that made each. Raises ProgramFailed."""
        layers: list[dict[str, Any]] = json.loads(self.podman("history", "--no-trunc", "--format", "json", image))
        return layers

    @contextmanager
    def files(self, image: str) -> Iterator[Path]:
        """The image's root directory, to read. Raises ProgramFailed."""
        yield Path(self.podman("image", "mount", image).strip())
        self.podman("image", "unmount", image)

    def run(
        self,
        image: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        read_only: bool = True,
    ) -> Ran:
        """The container's end, with what it wrote to standard output and error."""
        command = [*self._podman(), "run", "--rm", *self._confined(environment or {}, read_only=read_only), *options]
        done = subprocess.run([*command, image, *arguments], capture_output=True, text=True, timeout=_CALL_SECONDS_MAX)
        return Ran(done.returncode, done.stdout + done.stderr)

    def start(self, image: str, *arguments: str, environment: Mapping[str, str]) -> str:
        """The id of a container that runs until it is stopped. Raises ProgramFailed."""
        return self.podman("run", "--detach", *self._confined(environment, read_only=True), image, *arguments).strip()

    def podman(self, *arguments: str) -> str:
        """What it writes. Raises ProgramFailed."""
        return self._call("podman", [*self._store, *_RUNTIME, *arguments], _CALL_SECONDS_MAX)

    def _podman(self) -> list[str]:
        return [*self._rights, "podman", *self._store, *_RUNTIME]

    def _confined(self, environment: Mapping[str, str], *, read_only: bool) -> list[str]:
        variables = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        return [*_CONFINED, *(["--read-only"] if read_only else []), *variables]

    def _call(self, program: str, arguments: Sequence[str], seconds_max: float) -> str:
        command = [*self._rights, program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds_max)
        if done.returncode != 0:
            raise ProgramFailed(f"{program} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done.stdout


def missing() -> list[str]:
    """The programs that are not installed here."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


if __name__ == "__main__":
    print(" ".join(missing()))
