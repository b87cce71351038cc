"""A JSON Schema of the files for editors, generated from the declaration.

Both kinds of file are parts of a whole, so nothing is required here; `scripts/environments.py validate` sees the whole.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

from scripts.configuration.declaration import DELEGATED, Configuration
from shared.connectivity.budget import Budget, Mode
from shared.connectivity.lines import LINES
from shared.rollout.strategy import Strategy
from shared.rollout.supply import Attestation, VulnerabilitySeverity

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}
_BOUNDS = {"low": "minimum", "high": "maximum", "choices": "enum", "min_items": "minItems"}
_GRADE = {"enum": [grade.name.lower() for grade in VulnerabilitySeverity]}
_OF_DELEGATED: Mapping[str, Mapping[str, Any]] = {
    "deploy_tags": {"type": "string", "format": "regex"},
    "deploys_on": {"enum": ["push", "build"]},
    "supply": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "attestation": {"enum": [choice.value for choice in Attestation]},
            "severity_max": _GRADE,
            "unfixable_severity_max": _GRADE,
            "accepted": {"type": "array", "items": {"type": "string"}},
        },
    },
    "probe_paths": {"type": "array", "items": {"type": "string", "pattern": "^/.*[^z]$"}, "minItems": 1},
    "probe_expects": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "contains": {"type": "string"},
                "ms_max": {"type": "number", "exclusiveMinimum": 0, "maximum": 5000},
            },
        },
    },
}


def schema() -> dict[str, Any]:
    """Draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "PushNchat delivery: an environment, or what all have in common",
        **_of(Configuration, {}),
    }


def _of(declared: Any, bounds: Mapping[str, Any]) -> dict[str, Any]:
    if is_dataclass(declared):
        hints = get_type_hints(declared)
        rows = {knob.name: _described(knob.name, hints[knob.name], knob.metadata) for knob in fields(declared)}
        return {"type": "object", "additionalProperties": False, "properties": rows}
    origin = get_origin(declared)
    if origin is tuple:
        inner = {name: bound for name, bound in bounds.items() if name != "min_items"}
        outer = {"minItems": bounds["min_items"]} if "min_items" in bounds else {}
        return {"type": "array", "items": _of(get_args(declared)[0], inner), **outer}
    if origin is not None:
        names = {"propertyNames": {"pattern": f"^({bounds['pattern']})$"}} if "pattern" in bounds else {}
        return {"type": "object", "additionalProperties": _of(get_args(declared)[1], {}), **names}
    found: dict[str, Any] = {"type": _TYPES[declared]}
    found |= {_BOUNDS[name]: value for name, value in bounds.items() if name in _BOUNDS}
    if "pattern" in bounds:
        found["pattern"] = f"^({bounds['pattern']})$"
    return found


def _described(name: str, declared: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    bounds = {key: value for key, value in metadata.items() if key != "doc"}
    if not bounds.get(DELEGATED):
        inner = _of(declared, bounds)
    elif name == "strategy":
        inner = _strategy()
    elif name == "connectivity":
        inner = _connectivity()
    else:
        inner = dict(_OF_DELEGATED[name])
    return {"description": metadata["doc"], **inner}


def _strategy() -> dict[str, Any]:
    """Every knob by its configured name: durations in seconds."""
    rows: dict[str, Any] = {}
    for knob in fields(Strategy):
        default = knob.default
        if isinstance(default, timedelta):
            rows[f"{knob.name}_seconds"] = {"type": "number", "minimum": 0}
        elif isinstance(default, bool):
            rows[knob.name] = {"type": "boolean"}
        elif isinstance(default, StrEnum):
            rows[knob.name] = {"enum": [choice.value for choice in type(default)]}
        elif isinstance(default, tuple):
            rows[knob.name] = {
                "type": "array",
                "items": {"type": "integer", "minimum": 1, "maximum": 99},
                "minItems": 1,
            }
        else:
            rows[knob.name] = {"type": "number", "exclusiveMinimum": 0}
    return {"type": "object", "additionalProperties": False, "properties": rows}


def _connectivity() -> dict[str, Any]:
    """Budgets by route; each knob may be left out."""
    positive = {"type": "number", "exclusiveMinimum": 0}
    seconds = {"type": "object", "additionalProperties": False, "properties": {line.name: positive for line in LINES}}
    knobs = {knob.name: seconds if knob.name == "load_seconds_max" else positive for knob in fields(Budget)}
    budget = {"type": "object", "additionalProperties": False, "properties": knobs}
    rows = {
        "mode": {"enum": [mode.value for mode in Mode]},
        "budgets": {
            "type": "object",
            "propertyNames": {"pattern": "^/(.*[^z])?$"},
            "additionalProperties": budget,
        },
    }
    return {"type": "object", "additionalProperties": False, "properties": rows}
