"""Applies an environment's Terraform while nothing moves its traffic: freeze, plan, look at the plan, apply, unfreeze.

    scripts/apply_environment.py dev
    scripts/apply_environment.py production --accept 'module.platform.module.drills.google_storage_bucket.this'
    scripts/apply_environment.py dev --without-freeze     the very first time, when nobody could take the command yet

It unfreezes whatever happens: when the plan is refused, when the apply fails, when it is interrupted. It shows the plan
and asks before it applies; --yes answers for you. What Terraform ignores it still reads at plan and writes at apply:
without a freeze, a split that moved in between would be put back.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.configuration import environments
from scripts.guard_plan import findings

SEND_COMMAND = Path(__file__).parent / "send_command.py"
PLAN = "next.tfplan"
HOLDER = "terraform apply"  # of the freeze: the end of an apply lifts no stop that the same person ordered


def _terraform(root: Path, *arguments: str) -> None:
    """Raises CalledProcessError when Terraform ends with an error."""
    subprocess.run(["terraform", f"-chdir={root}", *arguments], check=True)


def _send(command: str, project: str, why: str) -> None:
    """Raises CalledProcessError when the command was not sent."""
    asked = [command, "*", "--project", project, "--why", why, "--holder", HOLDER]
    subprocess.run([sys.executable, str(SEND_COMMAND), *asked], check=True)


@contextmanager
def frozen(project: str, why: str) -> Iterator[None]:
    """Nothing is promoted inside. Unfreezes after a failed freeze too: its command may have been taken all the same."""
    try:
        _send("freeze", project, why)
        yield
    finally:
        _send("unfreeze", project, f"{why}: over")


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


def _refused(root: Path, accepted: Sequence[str]) -> list[str]:
    """What in the plan needs a second thought and is not accepted, a line each."""
    shown = subprocess.run(
        ["terraform", f"-chdir={root}", "show", "-json", PLAN], check=True, capture_output=True, text=True
    )
    found = findings(json.loads(shown.stdout))
    return [f"{finding.address}: {finding.text}" for finding in found if finding.address not in accepted]


def _agreed(environment: str) -> bool:
    return input(f'Apply this plan to {environment}? Type "{environment}": ') == environment


def apply(root: Path, environment: str, accepted: Sequence[str], *, yes: bool) -> int:
    """The exit code: 1 when the plan was refused, by the guard or by you."""
    _terraform(root, "plan", f"-out={PLAN}")
    refused = _refused(root, accepted)
    for line in refused:
        print(line)
    if refused:
        print("refused; --accept ADDRESS lets through what is meant", file=sys.stderr)
        return 1
    if not (yes or _agreed(environment)):
        print("nothing was applied", file=sys.stderr)
        return 1
    _terraform(root, "apply", PLAN)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", choices=environments.names())
    parser.add_argument("--accept", action="append", default=[], metavar="ADDRESS", help="a change that is meant")
    parser.add_argument("--why", default="terraform apply", help="what the ledger says of the freeze")
    parser.add_argument("--without-freeze", action="store_true", help="the first apply: no function is there yet")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(arguments)
    reading = environments.read(options.environment)
    if reading.problems or reading.found is None:
        print("not sound; see scripts/environments.py validate", file=sys.stderr)
        return 1
    root = environments.DIRECTORY / options.environment
    held = _as_it_is() if options.without_freeze else frozen(reading.found.project.id, options.why)
    try:
        with held:
            return apply(root, options.environment, options.accept, yes=options.yes)
    except subprocess.CalledProcessError as error:
        print(f"failed: {' '.join(str(part) for part in error.cmd[:4])} …, exit {error.returncode}", file=sys.stderr)
        return 1
    finally:
        (root / PLAN).unlink(missing_ok=True)  # it holds what the state holds


if __name__ == "__main__":
    sys.exit(main())
