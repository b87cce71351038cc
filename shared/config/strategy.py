"""A service's knobs as the environment gives them: a `Strategy`, and every knob that is wrong by its name."""

from dataclasses import fields
from datetime import timedelta
from itertools import pairwise
from typing import Any

from shared.rollout.strategy import OnNewer, Strategy


def read_strategy(row: Any, problems: list[str], path: str) -> Strategy:
    """Durations are seconds under their field's name with "_seconds"; what is wrong goes to `problems`.

    path: what their names begin with, "services.web.strategy.".
    """
    if not isinstance(row, dict):
        problems.append(f"{path[:-1]}: must be an object")
        return Strategy()
    values: dict[str, Any] = {}
    known: set[str] = set()
    for knob in fields(Strategy):
        key = f"{knob.name}_seconds" if isinstance(knob.default, timedelta) else knob.name
        known.add(key)
        if key in row:
            values[knob.name] = _knob(row[key], knob.default, problems, f"{path}{key}")
    problems += [f"{path}{name}: unknown field" for name in sorted(set(row) - known)]
    return Strategy(**{name: value for name, value in values.items() if value is not None})


def _knob(value: Any, default: object, problems: list[str], path: str) -> object:
    if isinstance(default, timedelta):
        if is_number(value) and value >= 0:
            return timedelta(seconds=value)
        problems.append(f"{path}: must be a number of seconds, 0 or more")
    elif isinstance(default, bool):
        if isinstance(value, bool):
            return value
        problems.append(f"{path}: must be true or false")
    elif isinstance(default, OnNewer):
        if value in tuple(OnNewer):
            return OnNewer(value)
        problems.append(f"{path}: must be one of {', '.join(OnNewer)}")
    elif isinstance(default, tuple):
        if _are_steps(value):
            return tuple(value)
        problems.append(f"{path}: must be ascending whole percents from 1 to 99")
    elif is_number(value) and 0 < value < _most(path):
        return float(value)
    else:
        problems.append(f"{path}: must be a number above 0 and below {_most(path)}")
    return None


def _most(path: str) -> int:
    """Risks are probabilities, points are percent, and nobody waits longer than a minute."""
    return 1 if path.endswith("_risk") else 100 if path.endswith("_points_max") else 60_000


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_steps(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(step, int) and not isinstance(step, bool) and 1 <= step <= 99 for step in value)
        and all(low < high for low, high in pairwise(value))
    )
