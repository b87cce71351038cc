"""YAML as plain values that remember where each one stands, and one file laid over another.

Mappings merge key by key at any depth; everything else, lists included, is replaced. Terraform's module
`configuration` does the same, and a test holds the two together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Where = tuple[str | int, ...]
"""A value's place: ("services", "web", "port")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and where: told as "file:line: field: text"."""

    file: str
    line: int
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.where + ': ' if self.where else ''}{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's values with the file and line (from 1) of each."""

    name: str
    value: Any
    lines: Mapping[Where, tuple[str, int]]

    def problem(self, where: Where, text: str) -> Problem:
        """At the value, or, where there is none, at the nearest mapping that should have had it."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.lines:
                file, line = self.lines[where[:length]]
                return Problem(file=file, line=line, where=dotted(where), text=text)
        return Problem(file=self.name, line=1, where=dotted(where), text=text)


def dotted(where: Where) -> str:
    return ".".join(str(part) for part in where)


def read(path: Path, name: str) -> tuple[Document, list[Problem]]:
    """What the file says, as `parsed` does; a file that cannot be read is a problem. name: how messages call it."""
    try:
        return parsed(path.read_bytes(), name)
    except OSError as error:
        return _unreadable(name, 1, error.strerror or "cannot be read")


def parsed(data: bytes, name: str) -> tuple[Document, list[Problem]]:
    """The document, empty where the bytes are not YAML; a key given twice is a problem. Nothing is raised."""
    lines: dict[Where, tuple[str, int]] = {}
    problems: list[Problem] = []
    try:
        node = yaml.compose(data.decode(), Loader=yaml.SafeLoader)
        value = _value(node, (), name, lines, problems) if node is not None else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return _unreadable(name, mark.line + 1 if mark else 1, getattr(error, "problem", None) or "not YAML")
    except (ValueError, RecursionError) as error:
        return _unreadable(name, 1, f"not YAML that anybody means: {type(error).__name__}: {error}")
    if not isinstance(value, dict):
        problems.append(Problem(file=name, line=1, where="", text="must be a mapping"))
        value = {}
    return Document(name=name, value=value, lines=lines), problems


def _unreadable(name: str, line: int, text: str) -> tuple[Document, list[Problem]]:
    return Document(name=name, value={}, lines={}), [Problem(file=name, line=line, where="", text=text)]


def _value(
    node: yaml.Node, where: Where, file: str, lines: dict[Where, tuple[str, int]], problems: list[Problem]
) -> Any:
    lines.setdefault(where, (file, node.start_mark.line + 1))
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, child in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in found:
                problems.append(Problem(file=file, line=line, where=dotted((*where, key)), text="given twice"))
            lines[(*where, key)] = (file, line)
            found[key] = _value(child, (*where, key), file, lines, problems)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*where, index), file, lines, problems) for index, child in enumerate(node.value)]
    return yaml.SafeLoader("").construct_object(node)


def overlaid(base: Document, over: Document) -> Document:
    """`over` laid over `base`; each value keeps the place it came from."""
    replaced = {where for where in _leaves(over.value, ()) if where}
    kept = {where: line for where, line in base.lines.items() if not any(where[: len(top)] == top for top in replaced)}
    return Document(name=over.name, value=merged(base.value, over.value), lines={**kept, **over.lines})


def merged(base: Any, over: Any) -> Any:
    """The two values as one; `over` wins wherever not both are mappings."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {key: merged(base.get(key, over.get(key)), over.get(key, base.get(key))) for key in {**base, **over}}
    return over


def repeated(base: Document, over: Document) -> Iterator[Problem]:
    """Every value of `over` that `base` says already: nothing is repeated that is not meant to differ."""
    for where in _leaves(over.value, ()):
        if where and _at(base.value, where) == (True, _at(over.value, where)[1]):
            yield over.problem(where, f"is the same in {base.name}; leave it out here")


def _leaves(value: Any, where: Where) -> Iterator[Where]:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, (*where, key))
    else:
        yield where


def _at(value: Any, where: Where) -> tuple[bool, Any]:
    """Whether there is a value at that place, and which."""
    for part in where:
        if not isinstance(value, dict) or part not in value:
            return False, None
        value = value[part]
    return True, value
