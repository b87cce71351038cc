"""The stages on which workflows are run."""

from pathlib import Path

import pytest

from tests.workflows.running import Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage")).build()


@pytest.fixture
def branch(tmp_path: Path) -> Stage:
    """A stage whose history is this test's own."""
    return Stage(tmp_path).build()
