"""A secret in a log is found, whoever wrote it; ordinary lines are none."""

from pathlib import Path

import pytest

from scripts.local_cloud.leaks import leaks

KEY = "0f" * 32


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "notify.log").write_text('{"event": "export.verified", "rows": 500}\n')
    (tmp_path / "storage.log").write_text('msg="GET /b/ledger" bearer=none\n')
    return tmp_path


def test_ordinary_lines_are_no_leaks(cloud: Path) -> None:
    assert leaks(cloud, (KEY,)) == []


@pytest.mark.parametrize(
    "line",
    [
        f"PUSH_TOKEN_KEY={KEY}",
        "token eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJodHRwIn0.c2ln",
        "Authorization: Bearer ya29_abcdefgh",
    ],
)
def test_a_planted_secret_is_found_with_the_log_it_is_in(cloud: Path, line: str) -> None:
    with (cloud / "storage.log").open("a") as log:
        log.write(line + "\n")
    assert leaks(cloud, (KEY,)) == [f"storage.log: {line}"]


def test_a_cloud_without_logs_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no logs"):
        leaks(tmp_path, (KEY,))
