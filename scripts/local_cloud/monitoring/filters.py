"""Cloud Monitoring's filters: conditions on types and labels, joined by AND.

Grammar: https://cloud.google.com/monitoring/api/v3/filters
OR and NOT are refused rather than misread.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_STRING = r'"(?:[^"\\]|\\.)*"'
_CONDITION = re.compile(
    rf"""\s*(?P<name>[A-Za-z_][\w.]*)\s*(?P<sign>!=|=)\s*
    (?:(?P<string>{_STRING})|(?P<function>[a-z_.]+)\s*\(\s*(?P<arguments>{_STRING}(?:\s*,\s*{_STRING})*)\s*\))\s*""",
    re.VERBOSE,
)
_AND = re.compile(r"AND\b")
_ABBREVIATIONS = {".label.": ".labels."}


class InvalidFilter(ValueError):
    """The message says what is not understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    name: str
    holds: Callable[[str], bool]
    equals: str | None = None  # the value, of a plain `name = "value"`


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    conditions: tuple[Condition, ...]

    def keeps(self, labels: Mapping[str, str]) -> bool:
        """Of labels by full name, "metric.labels.response_code"; one that is missing is empty."""
        return all(condition.holds(labels.get(condition.name, "")) for condition in self.conditions)

    def required(self, name: str) -> str | None:
        """The one value `name` must have, when the filter says so plainly."""
        return next((one.equals for one in self.conditions if one.name == name and one.equals is not None), None)


def parse_filter(text: str) -> Filter:
    """Raises InvalidFilter. An empty filter keeps everything."""
    conditions: list[Condition] = []
    position = 0
    while position < len(text.rstrip()):
        if conditions and (joint := _AND.match(text, position)):
            position = joint.end()
        found = _CONDITION.match(text, position)
        if found is None:
            raise InvalidFilter(f"not understood: {text[position:].strip()!r}")
        conditions.append(_condition(found))
        position = found.end()
    return Filter(conditions=tuple(conditions))


def _condition(found: re.Match[str]) -> Condition:
    name = found["name"]
    for short, full in _ABBREVIATIONS.items():
        name = name.replace(short, full)
    negated = found["sign"] == "!="
    if found["string"] is not None:
        value = _text(found["string"])
        return Condition(name=name, holds=lambda label: (label == value) != negated, equals=None if negated else value)
    values = [_text(string) for string in re.findall(_STRING, found["arguments"])]
    matches = _function(found["function"], values)
    return Condition(name=name, holds=lambda label: matches(label) != negated)


def _function(name: str, values: list[str]) -> Callable[[str], bool]:
    if name == "one_of":
        return lambda label: label in values
    if len(values) != 1:
        raise InvalidFilter(f"{name} takes one argument")
    (value,) = values
    match name:
        case "starts_with":
            return lambda label: label.startswith(value)
        case "ends_with":
            return lambda label: label.endswith(value)
        case "has_substring":
            return lambda label: value in label
        case "monitoring.regex.full_match":
            try:
                pattern = re.compile(value)
            except re.error as error:
                raise InvalidFilter(f"not a regular expression: {value!r}: {error}") from error
            return lambda label: pattern.fullmatch(label) is not None
        case _:
            raise InvalidFilter(f"unknown function {name!r}")


def _text(string: str) -> str:
    return re.sub(r"\\(.)", r"\1", string[1:-1])
