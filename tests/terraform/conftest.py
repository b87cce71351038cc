"""Each environment applied once, in memory; workers that run side by side share what one of them applied."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.terraform.stand import Root, copied, locked
from tests.tools import terraform_offline

ENVIRONMENTS = ("dev", "staging", "production")


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of terraform/ with everything it reads."""
    own = tmp_path_factory.getbasetemp()
    home = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "terraform"
    with locked(home.with_suffix(".lock")):
        if not home.exists():
            copied(home)
    return home / "terraform"


@pytest.fixture(scope="session")
def applied(code: Path) -> Callable[[str], Root]:
    command = terraform_offline()

    @cache
    def of(environment: str) -> Root:
        root = Root(command, code / "environments" / environment)
        root.apply_once()
        return root

    return of


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest, applied: Callable[[str], Root]) -> Root:
    """Each of the three, applied."""
    return applied(request.param)


@pytest.fixture
def production(applied: Callable[[str], Root]) -> Root:
    return applied("production")


@pytest.fixture(scope="session")
def bootstrap(code: Path) -> Root:
    """What is made once for all, applied."""
    root = Root(terraform_offline(), code / "bootstrap")
    root.apply_once()
    return root
