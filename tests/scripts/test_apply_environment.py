"""An apply happens inside a freeze that always ends, once the guard and a person have let the plan through."""

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import apply_environment

SOUND: dict[str, Any] = {"resource_changes": []}
LOSING = {
    "resource_changes": [
        {"address": "a.bucket", "type": "google_storage_bucket", "change": {"actions": ["delete"], "before": {}}}
    ]
}
FAKE = """#!{python}
import json, os, sys
words = [word for word in sys.argv[1:] if not word.startswith("-chdir")]
with open(os.environ["CALLS"], "a") as file:
    file.write(f"terraform {{' '.join(words)}}\\n")
if words[0] == "show":
    print(os.environ["PLAN_SHOWN"])
sys.exit(words[0] == os.environ.get("FAILS"))
"""
SENDER = """
import os, sys
with open(os.environ["CALLS"], "a") as file:
    file.write(f"{sys.argv[1]} {sys.argv[2]} {sys.argv[4]} held by {sys.argv[sys.argv.index('--holder') + 1]}\\n")
sys.exit(sys.argv[1] == os.environ.get("FAILS"))
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a fake Terraform and a fake sender of commands write what they are asked, in order."""
    terraform = tmp_path / "bin" / "terraform"
    terraform.parent.mkdir()
    terraform.write_text(FAKE.format(python=sys.executable))
    terraform.chmod(0o755)
    sender = tmp_path / "send_command.py"
    sender.write_text(SENDER)
    monkeypatch.setattr(apply_environment, "SEND_COMMAND", sender)
    monkeypatch.setenv("PATH", f"{terraform.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("PLAN_SHOWN", json.dumps(SOUND))
    return tmp_path / "calls"


FREEZE, UNFREEZE = (f"{verb} * pushnchat-dev held by terraform apply" for verb in ("freeze", "unfreeze"))
PLANNED = ["terraform plan -out=next.tfplan", "terraform show -json next.tfplan"]
APPLIED = "terraform apply next.tfplan"


def test_a_sound_plan_is_applied_inside_a_freeze(calls: Path) -> None:
    assert apply_environment.main(["dev", "--yes"]) == 0
    assert calls.read_text().splitlines() == [FREEZE, *PLANNED, APPLIED, UNFREEZE]


def test_a_person_is_asked_for_the_environments_name(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer, told in (("yes\n", 1), ("dev\n", 0)):
        calls.unlink(missing_ok=True)
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        assert apply_environment.main(["dev"]) == told
        assert (APPLIED in calls.read_text().splitlines()) is (told == 0)
        assert calls.read_text().splitlines()[-1] == UNFREEZE


def test_a_plan_that_loses_something_is_refused_unless_it_is_meant(
    calls: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAN_SHOWN", json.dumps(LOSING))
    assert apply_environment.main(["dev", "--yes"]) == 1
    assert "a.bucket: would be destroyed" in capsys.readouterr().out
    assert calls.read_text().splitlines() == [FREEZE, *PLANNED, UNFREEZE]
    calls.unlink()
    assert apply_environment.main(["dev", "--yes", "--accept", "a.bucket"]) == 0
    assert calls.read_text().splitlines() == [FREEZE, *PLANNED, APPLIED, UNFREEZE]


@pytest.mark.parametrize(
    ("fails", "asked"),
    [
        ("freeze", [FREEZE, UNFREEZE]),
        ("plan", [FREEZE, PLANNED[0], UNFREEZE]),
        ("show", [FREEZE, *PLANNED, UNFREEZE]),
        ("apply", [FREEZE, *PLANNED, APPLIED, UNFREEZE]),
        ("unfreeze", [FREEZE, *PLANNED, APPLIED, UNFREEZE]),
    ],
)
def test_it_unfreezes_whatever_fails_and_says_so(
    calls: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fails: str, asked: list[str]
) -> None:
    monkeypatch.setenv("FAILS", fails)
    assert apply_environment.main(["dev", "--yes"]) == 1
    assert calls.read_text().splitlines() == asked
    assert "failed: " in capsys.readouterr().err


def test_an_interruption_unfreezes_too(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(environment: str) -> bool:
        raise KeyboardInterrupt(environment)

    monkeypatch.setattr(apply_environment, "_agreed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        apply_environment.main(["dev"])
    assert calls.read_text().splitlines() == [FREEZE, *PLANNED, UNFREEZE]


def test_the_first_apply_asks_no_function_to_freeze(calls: Path) -> None:
    assert apply_environment.main(["dev", "--yes", "--without-freeze"]) == 0
    assert calls.read_text().splitlines() == [*PLANNED, APPLIED]
