"""What answers to probes must be: a service's `probe_expects` in the environment."""

from collections.abc import Collection
from typing import Any

from shared.analysis.evidence import Expectation
from shared.config.strategy import is_number

MS_MOST = 5000  # nobody waits longer for a probe


def read_expectations(raw: Any, paths: Collection[str], problems: list[str], path: str) -> dict[str, Expectation]:
    """By probe path; what is wrong goes to `problems`. paths: those that are probed; path: of the field."""
    if not isinstance(raw, dict):
        problems.append(f"{path}: must be an object by probe path")
        return {}
    problems += [f"{path}.{name}: must be one of probe_paths" for name in raw if name not in paths]
    return {name: _expectation(row, problems, f"{path}.{name}") for name, row in raw.items()}


def _expectation(row: Any, problems: list[str], path: str) -> Expectation:
    if not isinstance(row, dict):
        problems.append(f"{path}: must be an object")
        return Expectation()
    problems += [f"{path}.{name}: unknown field" for name in sorted(set(row) - {"contains", "ms_max"})]
    contains, ms_max = row.get("contains", ""), row.get("ms_max", MS_MOST)
    if not isinstance(contains, str):
        problems.append(f"{path}.contains: must be a text")
    if not (is_number(ms_max) and 0 < ms_max <= MS_MOST):
        problems.append(f"{path}.ms_max: must be a number of milliseconds above 0, at most {MS_MOST}")
    return Expectation(contains, ms_max)
