"""Every image is what dockerfiles/README.md promises, whatever service it holds."""

import json
import re
import stat

import pytest

from scripts.containers.engine import Engine
from tests.containers.subject import MARKER, REVISION, SOURCE, SUBJECTS, Images, Subject

SECRET = re.compile(r"(?i)(secret|token|passw|credential|private_key)\w*=")
WHO_AND_WHERE = {
    "nodejs": "const {writeFileSync} = require('fs'); console.log(process.getuid());"
    "for (const path of ['/app/new', '/app/package.json'])"
    "  try { writeFileSync(path, 'x'); console.log('written') } catch ({ code }) { console.log(code) }",
    "python3": """
import errno, os
print(os.getuid())
for path in ("/app/new", "/app/main.py"):
    try:
        open(path, "w")
        print("written")
    except OSError as error:
        print(errno.errorcode[error.errno])
""",
}


@pytest.fixture(params=SUBJECTS, ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> Subject:
    chosen: Subject = request.param
    return chosen


def test_it_says_what_it_starts_as_whom_and_from_which_sources(images: Images, subject: Subject) -> None:
    image = images.engine.inspect(images.of(subject.name))
    config = image["Config"]
    assert config["User"] == "65532:65532"
    assert config["Cmd"] == [subject.command]
    assert config.get("ExposedPorts", {}) == ({f"{subject.port}/tcp": {}} if subject.port else {})
    assert config["Labels"]["org.opencontainers.image.revision"] == REVISION
    assert config["Labels"]["org.opencontainers.image.source"] == SOURCE
    assert "Healthcheck" not in config
    assert image.get("HealthCheck") is None


@pytest.mark.parametrize(("read_only", "refusal"), [(True, "EROFS"), (False, "EACCES")])
def test_it_runs_as_nobody_and_can_change_none_of_its_files(
    images: Images, subject: Subject, read_only: bool, refusal: str
) -> None:
    """On a file system that is read only, and on one that only its owners guard."""
    runtime = "python3" if subject.name == "job" else "nodejs"
    ran = images.engine.run(
        images.of(subject.name), "-c" if runtime == "python3" else "-e", WHO_AND_WHERE[runtime], read_only=read_only
    )
    assert ran.output.split() == ["65532", refusal, refusal]


def test_its_files_are_roots_and_only_roots_to_write(images: Images, subject: Subject) -> None:
    with images.engine.files(images.of(subject.name)) as root:
        loose = [
            str(path.relative_to(root))
            for path in (root / "app").rglob("*")
            if not path.is_symlink()
            and (path.lstat().st_uid or path.lstat().st_gid or path.lstat().st_mode & stat.S_IWOTH)
        ]
    assert loose == []


def test_nothing_that_lay_beside_its_sources_got_into_it(images: Images, subject: Subject) -> None:
    with images.engine.files(images.of(subject.name)) as root:
        files = [path for path in (root / "app").rglob("*") if path.is_file()]
        found = [str(path.relative_to(root)) for path in files if MARKER.encode() in path.read_bytes()]
    assert files
    assert found == []


def test_its_history_holds_no_secret(images: Images, subject: Subject) -> None:
    history = json.dumps(images.engine.history(images.of(subject.name)))
    assert "USER 65532:65532" in history
    assert SECRET.findall(history) == []
    assert MARKER not in history


def test_a_missing_base_is_not_looked_for_elsewhere(engine: Engine, images: Images) -> None:
    """Else a stand-in that was not made would be taken from a registry, and something else be tested."""
    with pytest.raises(RuntimeError, match="not known"):
        engine.build(
            images.dockerfile("worker"), images.context("worker"), arguments={"NODE_BUILD": "localhost/nothing"}
        )
