"""The policy scanner's exceptions each have a reason, and the nightly run uses them."""

import re

import yaml

from tests.terraform.stand import REPOSITORY

CONFIGURATION = REPOSITORY / "terraform" / ".checkov.yaml"


def test_every_rule_that_is_skipped_says_why() -> None:
    text = CONFIGURATION.read_text()
    skipped = yaml.safe_load(text)["skip-check"]
    reasons = dict(re.findall(r"^  - (CKV\w+) # (.{20,})$", text, flags=re.MULTILINE))
    assert sorted(reasons) == sorted(skipped)
    assert len(set(skipped)) == len(skipped)


def test_the_nightly_run_uses_them() -> None:
    jobs = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "nightly.yml").read_text())["jobs"]
    assert jobs["policies"]["steps"][-1]["run"] == "checkov --config-file terraform/.checkov.yaml"
