"""What holds for every test."""

import gc
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

TESTS = Path(__file__).parent
# The tests beside the pure packages and the doors before them cover: tracing would double the time of all others.
COVERED = ("rollout", "analysis", "connectivity", "backup", "config", "events")
COVERING = {*COVERED, "runtime", "functions"}
_cached: list[Any] = []


# On a machine that is busy with other work a slow example says nothing; what must be fast is measured in benchmarks/.
settings.register_profile("patient", deadline=None)
# For scripts/mutate: a few examples, the same for every change of the code, and no search for a smaller one that fails.
settings.register_profile(
    "mutation", max_examples=20, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(TESTS).parts[0] not in COVERING:
            item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    """Loads what must be covered while it is traced: the first to load it may be a test that is not.

    What is loaded by now stays to the end: the collector need not look through it again and again.
    """
    for package in COVERED:
        for path in sorted((TESTS.parent / "shared" / package).glob("*.py")):
            module = import_module(f"shared.{package}.{path.stem}")
            _cached.extend(known for known in vars(module).values() if hasattr(known, "cache_clear"))
    gc.collect()
    gc.freeze()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Nor may a test that is not traced leave behind what a function works out once."""
    if item.get_closest_marker("no_cover"):
        for known in _cached:
            known.cache_clear()
