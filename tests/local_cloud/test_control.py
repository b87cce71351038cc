"""The control endpoint answers what it is asked and says clearly what it cannot do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.local_cloud.control import STATE_FILE, Control, NotRunning, Refused, ask


def push(wish: dict[str, Any]) -> dict[str, Any]:
    return {"tag": wish["tag"].upper()}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    control = Control({"status": lambda _: {"up": True}, "push": push}, tmp_path)
    control.start()
    yield tmp_path
    control.stop()


def test_status_is_a_plain_question(running: Path) -> None:
    assert ask(running, "status") == {"up": True}


def test_a_wish_carries_its_details(running: Path) -> None:
    assert ask(running, "push", {"tag": "v2"}) == {"tag": "V2"}


def test_a_wish_without_its_details_is_refused_by_name(running: Path) -> None:
    with pytest.raises(Refused, match="tag"):
        ask(running, "push", {})


def test_an_unknown_wish_is_told_what_there_is(running: Path) -> None:
    with pytest.raises(Refused, match="push, status"):
        ask(running, "fly", {})


def test_without_a_running_cloud_the_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match=str(tmp_path)):
        ask(tmp_path, "status")


def test_a_cloud_that_is_gone_without_cleaning_up_is_reported(tmp_path: Path) -> None:
    control = Control({"status": lambda _: {}}, tmp_path)
    control.start()
    left_behind = (tmp_path / STATE_FILE).read_text()
    control.stop()
    assert not (tmp_path / STATE_FILE).exists()
    (tmp_path / STATE_FILE).write_text(left_behind)
    with pytest.raises(NotRunning, match="does not answer"):
        ask(tmp_path, "status")
