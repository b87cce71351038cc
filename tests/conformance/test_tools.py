"""A test that cannot run says so, and where its tools belong it fails instead of being skipped."""

from pathlib import Path

import pytest

from tests import tools


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with an empty directory for programs."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PUBSUB_EMULATOR_JAR", str(tmp_path / "none.jar"))
    monkeypatch.setattr(tools, "EMULATOR", "nowhere")
    return tmp_path


def install(directory: Path, name: str) -> None:
    (directory / name).touch(mode=0o755)


def test_a_machine_without_gcloud_skips_and_says_that_nothing_was_proved(nothing: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="NOTHING WAS PROVED: the gcloud CLI"):
        tools.pubsub_emulator()


def test_a_machine_with_gcloud_and_without_the_emulator_fails_and_says_how_to_get_it(nothing: Path) -> None:
    install(nothing, "gcloud")
    with pytest.raises(pytest.fail.Exception, match="apt-get install google-cloud-cli-pubsub-emulator"):
        tools.pubsub_emulator()
    with pytest.raises(pytest.fail.Exception, match="apt-get install default-jre-headless"):
        tools.java()


def test_ci_skips_nothing(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI may not skip"):
        tools.gcloud()
