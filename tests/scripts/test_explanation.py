"""A rollout's story, its picture and its replay, from a ledger that the functions wrote."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from scripts.explanation import explain, replay
from scripts.explanation.course import course, moments
from scripts.explanation.ledger import Folder
from scripts.explanation.story import stories, story
from tests.functions.world import deployed

GOOD, BAD = "web-bbbbbbb-20261123120000", "web-ccccccc-20261123134100"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A promoted rollout and one that was rolled back."""
    root, world = tmp_path_factory.mktemp("ledger"), deployed()
    for letter, phase, bad in (("b", "promoted", 0.0), ("c", "rolled_back", 0.02)):
        world.push(letter)
        world.ready()
        world.tick()
        world.until(phase, canary_bad=bad)
    for key, entry in world.cloud.ledger.objects.items():
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(entry)
    return root


def run(monkeypatch: pytest.MonkeyPatch, command: str, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", [command, *map(str, arguments)])
    return {"explain": explain.main, "replay": replay.main}[command]()


def test_a_rollout_is_told_in_order_and_drawn(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "good.svg"
    assert run(monkeypatch, "explain", GOOD, "--ledger", ledger, "--picture", picture) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{GOOD} on web: promoted, 23 November 2026, times in UTC"
    told = [line[10:] for line in lines[2:-2]]
    assert told[0] == "started: bbbbbbb starts as a canary beside web-00001-aaa."
    assert told[-1].startswith("promoted: bbbbbbb is promoted")
    assert [line.split(":")[0].strip() for line in told if "healthy at" in line] == [
        f"healthy at {share} %" for share in (5, 25, 50, 90)
    ]
    text = picture.read_text()
    assert ET.fromstring(text).tag.endswith("svg")
    first = picture.read_bytes()
    run(monkeypatch, "explain", GOOD, "--ledger", ledger, "--picture", picture)
    assert picture.read_bytes() == first


def test_without_a_rollout_the_ids_are_listed(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "explain", "--ledger", ledger) == 0
    assert set(capsys.readouterr().out.split()) == {GOOD, BAD}


@pytest.mark.parametrize(
    ("rollout", "folder", "said"),
    [("web-ddddddd-20261123120000", ".", "has no rollout web-ddddddd"), (GOOD, "nowhere", "is no folder")],
)
def test_what_is_not_there_is_said(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    rollout: str, folder: str, said: str,
) -> None:  # fmt: skip
    assert run(monkeypatch, "explain", rollout, "--ledger", ledger / folder) == 2
    assert said in capsys.readouterr().err


def test_the_same_code_judges_every_kept_verdict_as_it_was(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "replay", "--ledger", ledger, "--service", "web") == 0
    assert "2 rollouts, 0 would have been different." in capsys.readouterr().out


def test_other_settings_are_answered_with_what_would_have_been_different(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "replay", "--ledger", ledger, "--false-rollback-risk", "1e-9") == 1
    out = capsys.readouterr().out
    assert f"{GOOD}: promoted; judged 4 times, nothing would have been different" in out
    assert "unhealthy would be inconclusive" in out
    assert run(monkeypatch, "replay", "--ledger", ledger, "--missed-harm-risk", "1e-4") == 1
    assert "healthy would be inconclusive" in capsys.readouterr().out


def test_the_course_ends_in_the_recorded_verdict(ledger: Path) -> None:
    source = Folder(ledger)
    assert set(stories(source)) == {GOOD, BAD}
    found = story(source, BAD)
    looks = course(found)
    assert looks[-1].verdict.health is found.verdicts[-1].verdict.health
    [(what, at)] = moments(looks)
    assert what == "harm"
    assert at <= found.verdicts[-1].at
