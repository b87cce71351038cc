"""Says what each environment is, whether that is sound, and how two of them differ.

scripts/environments.py validate                     every problem at once, as file:line: field: text; exit 1 if any
scripts/environments.py diff staging production      what differs
scripts/environments.py show dev                     the whole configuration: common.yaml and the environment's file
scripts/environments.py show dev --functions         what its functions get in DELIVERY_ENVIRONMENT
scripts/environments.py matrix                       the environments as JSON, for a workflow's matrix
scripts/environments.py outputs dev [--account KIND] what a workflow must know of it, as lines of GITHUB_OUTPUT
scripts/environments.py schema [--check]             writes the editors' JSON Schema
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.own_python import sentence

try:
    import yaml

    from scripts.configuration import environments, for_functions, for_workflows, json_schema, reference
except ImportError as error:
    sys.exit(sentence(error))

SCHEMA = environments.DIRECTORY / "environment.schema.json"
REFERENCE = environments.REPOSITORY / "docs" / "reference" / "configuration.md"


def validate() -> int:
    """The exit code; a problem of the common file is told once."""
    told: dict[str, None] = {}
    for name in environments.names():
        for problem in environments.read(name).problems:
            told[str(problem)] = None
    for line in told:
        print(line)
    if not told:
        print(f"sound: {', '.join(environments.names())}")
    return 1 if told else 0


def differences(left: Any, right: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The field, what it is on the left and on the right; "absent" where there is none."""
    if not (isinstance(left, dict) and isinstance(right, dict)):
        if left != right:
            yield where, left, right
        return
    for key in sorted({*left, *right}):
        inner = f"{where}.{key}" if where else key
        yield from differences(left.get(key, "absent"), right.get(key, "absent"), inner)


def diff(left: str, right: str) -> int:
    """The exit code: 0, for environments are meant to differ."""
    rows = [("field", left, right)]
    for field, one, other in differences(
        environments.read(left).document.value, environments.read(right).document.value
    ):
        rows.append((field, json.dumps(one), json.dumps(other)))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for field, one, other in rows:
        print(f"{field:{widths[0]}}  {one:{widths[1]}}  {other}")
    return 0


def show(name: str, *, functions: bool) -> int:
    """The exit code: 1 where the configuration is not sound."""
    reading = environments.read(name)
    if reading.problems or reading.found is None:
        for problem in reading.problems:
            print(problem, file=sys.stderr)
        return 1
    if functions:
        print(json.dumps(json.loads(for_functions.delivery_environment(reading.found)), indent=2))
    else:
        print(yaml.safe_dump(reading.document.value, sort_keys=False, width=120), end="")
    return 0


def matrix() -> int:
    """Prints {"environment": […], "service": […]} in the order of promotion."""
    order = ("dev", "staging", "production")
    readings = {name: environments.read(name) for name in sorted(environments.names(), key=order.index)}
    services = sorted({service for reading in readings.values() for service in reading.document.value["services"]})
    print(json.dumps({"environment": list(readings), "service": services}))
    return 0


def outputs(name: str, kind: str) -> int:
    """The exit code: 1 where the configuration is not sound."""
    reading = environments.read(name)
    if reading.problems or reading.found is None:
        for problem in reading.problems:
            print(problem, file=sys.stderr)
        return 1
    for key, value in for_workflows.outputs(reading.found, kind).items():
        print(f"{key}={value}")
    return 0


def schema(*, check: bool) -> int:
    """The exit code: 1 when --check found a file out of date."""
    wanted = {SCHEMA: json.dumps(json_schema.schema(), indent=2) + "\n", REFERENCE: reference.page()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if check:
            print(f"out of date: {path.relative_to(environments.REPOSITORY)}; run scripts/environments.py schema")
        else:
            path.write_text(wanted[path])
    return 1 if check and stale else 0


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("validate")
    two = commands.add_parser("diff")
    two.add_argument("left", choices=environments.names())
    two.add_argument("right", choices=environments.names())
    one = commands.add_parser("show")
    one.add_argument("environment", choices=environments.names())
    one.add_argument("--functions", action="store_true", help="only what the functions get")
    commands.add_parser("matrix")
    told = commands.add_parser("outputs")
    told.add_argument("environment", choices=environments.names())
    told.add_argument("--account", choices=("", *for_workflows.ACCOUNTS), default="", help="whom to sign in as")
    commands.add_parser("schema").add_argument("--check", action="store_true", help="change nothing; exit 1 if stale")
    options = parser.parse_args(arguments)
    match options.command:
        case "validate":
            return validate()
        case "diff":
            return diff(options.left, options.right)
        case "show":
            return show(options.environment, functions=options.functions)
        case "matrix":
            return matrix()
        case "outputs":
            return outputs(options.environment, options.account)
        case _:
            return schema(check=options.check)


if __name__ == "__main__":
    sys.exit(main())
