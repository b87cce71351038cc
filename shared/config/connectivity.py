"""What a service's pages may cost people on slow lines: the `connectivity` of a service in the environment."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from shared.connectivity.budget import Budget, Connectivity, Mode
from shared.connectivity.lines import LINES

_LINES = tuple(line.name for line in LINES)


def read_connectivity(raw: Any, problems: list[str], path: str) -> Connectivity:
    """Budgets by route, each with what it says different from the defaults; what is wrong goes to `problems`.

    path: of the field, "services.web.connectivity".
    """
    if not isinstance(raw, dict):
        problems.append(f"{path}: must be an object")
        return Connectivity()
    problems += [f"{path}.{name}: unknown field" for name in sorted(set(raw) - {"mode", "budgets"})]
    mode = raw.get("mode", Mode.OFF)
    if mode not in tuple(Mode):
        problems.append(f"{path}.mode: must be one of {', '.join(Mode)}")
        mode = Mode.OFF
    rows = raw.get("budgets", {})
    if not isinstance(rows, dict) or (mode != Mode.OFF and not rows):
        problems.append(f"{path}.budgets: must be an object with a budget for at least one route")
        rows = {}
    budgets = {route: _budget(route, row, problems, f"{path}.budgets.{route}") for route, row in rows.items()}
    return Connectivity(mode=Mode(mode), budgets=budgets)


def _budget(route: str, row: Any, problems: list[str], path: str) -> Budget:
    if not route.startswith("/") or route.endswith("z"):
        problems.append(f'{path}: a route starts with "/" and does not end in "z"')
    if not isinstance(row, dict):
        problems.append(f"{path}: must be an object; {{}} is the usual budget")
        return Budget()
    known = {knob.name: knob for knob in fields(Budget)}
    problems += [f"{path}.{name}: unknown field" for name in sorted(set(row) - set(known))]
    values: dict[str, Any] = {}
    for name in known.keys() & row.keys():
        value = row[name]
        if name == "load_seconds_max":
            values[name] = _seconds(value, problems, f"{path}.{name}")
        elif not _is_positive(value):
            problems.append(f"{path}.{name}: must be a number above 0")
        else:
            values[name] = value
    return Budget(**values)


def _seconds(value: Any, problems: list[str], path: str) -> Mapping[str, float]:
    if not isinstance(value, dict):
        problems.append(f"{path}: must be an object of seconds by line")
        return {}
    problems += [f"{path}.{line}: must be one of {', '.join(_LINES)}" for line in value if line not in _LINES]
    problems += [
        f"{path}.{line}: must be a number above 0" for line, seconds in value.items() if not _is_positive(seconds)
    ]
    return value


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
