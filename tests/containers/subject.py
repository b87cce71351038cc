"""The reference services as images and as running containers."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from scripts.containers.bases import ARGUMENTS, NODE_RUN, PYTHON_RUN
from scripts.containers.engine import Engine
from scripts.local_cloud.processes.ports import free_port
from tests.dockerfiles.load import Load, Tally, until

REVISION, SOURCE = "5f2a9c1", "https://example.org/pushnchat"
ARGUMENTS_OF_A_BUILD = {**ARGUMENTS, "REVISION": REVISION, "SOURCE": SOURCE}
MARKER = "planted-a7d1c9e0"  # in files that must not get into an image
FIGURES: list[str] = []  # printed when all tests are over


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A reference service. base: what its last stage stands on; command: what its Dockerfile starts."""

    name: str
    dockerfile: str
    base: str
    command: str
    port: int | None = None


SUBJECTS = (
    Subject(name="backend", dockerfile="fastify.Dockerfile", base=NODE_RUN, command="dist/server.js", port=8080),
    Subject(name="frontend", dockerfile="nextjs.Dockerfile", base=NODE_RUN, command="server.js", port=8080),
    Subject(name="worker", dockerfile="worker.Dockerfile", base=NODE_RUN, command="dist/worker.js"),
    Subject(name="job", dockerfile="python_job.Dockerfile", base=PYTHON_RUN, command="main.py"),
)
BY_NAME = {subject.name: subject for subject in SUBJECTS}


class Images:
    """dockerfiles: where they are; reference: a copy of the services, into which things are planted."""

    def __init__(self, engine: Engine, dockerfiles: Path, reference: Path) -> None:
        self.engine = engine
        self._dockerfiles = dockerfiles
        self._reference = reference
        self._built: set[str] = set()

    def of(self, name: str) -> str:
        """The image's tag; built when it is first asked for."""
        subject, tag = BY_NAME[name], f"localhost/reference/{name}"
        if name not in self._built:
            context = self.context(name)
            for planted in (".env", ".git/config", "node_modules/planted/index.js", "notes.txt"):
                (context / planted).parent.mkdir(parents=True, exist_ok=True)
                (context / planted).write_text(f"TOKEN={MARKER}\n")
            began = time.monotonic()
            self.engine.build(self.dockerfile(name), context, tag=tag, arguments=ARGUMENTS_OF_A_BUILD)
            seconds = time.monotonic() - began
            whole, base = (self.engine.inspect(image)["Size"] / 1e6 for image in (tag, subject.base))
            FIGURES.append(
                f"{name}: built in {seconds:.0f} s, {whole:.1f} MB, of which {base:.1f} MB are the stand-in base"
            )
            self._built.add(name)
        return tag

    def dockerfile(self, name: str) -> Path:
        return self._dockerfiles / BY_NAME[name].dockerfile

    def context(self, name: str) -> Path:
        return self._reference / name

    def assets(self, name: str, output: Path) -> None:
        """The files of the stage `assets`."""
        self.of(name)
        self.engine.build(
            self.dockerfile(name),
            self.context(name),
            target="assets",
            output=output,
            arguments=ARGUMENTS_OF_A_BUILD,
        )


class Container:
    """One that runs, on the host's network."""

    def __init__(self, engine: Engine, identity: str, port: int) -> None:
        self._engine = engine
        self._identity = identity
        self.port = port
        self.uri = f"http://127.0.0.1:{port}"

    def sigterm(self) -> None:
        self._engine.podman("kill", "--signal", "TERM", self._identity)

    def ended(self) -> int:
        """Its exit status, once it has ended."""
        return int(self._engine.podman("wait", self._identity))

    def log(self) -> str:
        return self._engine.podman("logs", self._identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Of a container that was told to end while it was asked. tally: what became of every request."""

    status: int
    seconds: float
    tally: Tally

    def __str__(self) -> str:
        tally = self.tally
        return (
            f"ended in {self.seconds:.1f} s; {tally.answered} requests answered, {tally.after_sigterm} of them after "
            f"SIGTERM, {tally.turned_away} connections turned away, {len(tally.failed)} failed"
        )


def ended_under_load(container: Container, *paths: str) -> Ending:
    """Sends it SIGTERM while clients ask for these paths in a loop."""
    with Load(container.port, paths) as load:
        began = time.monotonic()
        load.sigterm()
        container.sigterm()
        status = container.ended()
        seconds = time.monotonic() - began
    return Ending(status=status, seconds=seconds, tally=load.tally)


@contextmanager
def running(engine: Engine, image: str, environment: Mapping[str, str], *arguments: str) -> Iterator[Container]:
    """As Cloud Run starts it, with a port that is free here."""
    port = free_port()
    identity = engine.start(image, *arguments, environment={"PORT": str(port), **environment})
    try:
        yield Container(engine, identity, port)
    finally:
        engine.podman("rm", "--force", "--time", "0", identity)


def until_live(container: Container) -> None:
    until(lambda: answers(container, "/health/live"), f"live:\n{container.log()}")


def answers(container: Container, path: str) -> bool:
    try:
        return requests.get(f"{container.uri}{path}", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False
