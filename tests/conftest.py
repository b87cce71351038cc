"""What holds for every test."""

import gc
from pathlib import Path

import pytest
from hypothesis import Phase, settings

TESTS = Path(__file__).parent
# The tests beside the pure packages and the doors before them cover: tracing would double the time of all others.
COVERING = {"rollout", "analysis", "connectivity", "backup", "config", "events", "runtime", "functions"}


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
    """What is loaded by now stays to the end: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
