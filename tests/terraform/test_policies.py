"""The policy scanner is run on every change, and its exceptions each have a reason.

`scripts/check_policies` itself is in .ci/run: the scanner is too large for the tests' own requirements.
"""

import re
import subprocess

import yaml

from tests.terraform.stand import REPOSITORY

CONFIGURATION = REPOSITORY / "terraform" / ".checkov.yaml"
SCRIPT = REPOSITORY / "scripts" / "check_policies"


def test_every_rule_that_is_skipped_says_why() -> None:
    text = CONFIGURATION.read_text()
    skipped = yaml.safe_load(text)["skip-check"]
    reasons = dict(re.findall(r"^  - (CKV\w+) # (.{20,})$", text, flags=re.MULTILINE))
    assert sorted(reasons) == sorted(skipped)
    assert len(set(skipped)) == len(skipped)


def test_ci_runs_the_scanner_and_skips_nothing() -> None:
    lines = (REPOSITORY / ".ci" / "run").read_text().splitlines()
    assert "scripts/check_policies" in lines, "a line of its own: a failure ends the run"
    assert subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True).stdout.startswith("Checks ")


def test_the_nightly_run_uses_the_same_scanner_and_the_same_exceptions() -> None:
    jobs = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "nightly.yml").read_text())["jobs"]
    steps = [step.get("run", "") for step in jobs["policies"]["steps"]]
    [version] = re.findall(r"^version=(\S+)$", SCRIPT.read_text(), flags=re.MULTILINE)
    direct = steps[-1] == "checkov --config-file terraform/.checkov.yaml" and any(
        f"checkov=={version}" in step for step in steps
    )
    assert direct or steps[-1] == "scripts/check_policies"
