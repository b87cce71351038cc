"""What each message means, and what is said when one of its fields is absent or of another kind.

tests/events/read/ holds it for people to read. After a change that is meant:
.venv/bin/python -m tests.events.test_readings
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidEvent
from tests.events.complete import Complete, kinds

READ = Path(__file__).parent / "read"
WRONG: dict[str, object] = {
    "null": None,
    '""': "",
    '"other"': "other",
    "7": 7,
    "-1.5": -1.5,
    "true": True,
    "[7]": [7],
    "{}": {},
}


def _paths(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field, and those of the first and last row of a list of objects."""
    for name in body if isinstance(body, dict) else sorted({0, len(body) - 1}):
        yield (*path, name)
        if isinstance(body[name], dict) or (isinstance(body[name], list) and body[name]):
            yield from _paths(body[name], (*path, name))


def _changed(body: Any, path: tuple[Any, ...], *value: Any) -> Any:
    """The body with another value there, or without the field."""
    changed = deepcopy(body)
    place = changed
    for step in path[:-1]:
        place = place[step]
    if value:
        place[path[-1]] = value[0]
    else:
        del place[path[-1]]
    return changed


def _read(kind: Complete, body: Any) -> str:
    try:
        return repr(kind.read(kind.message(body)))
    except InvalidEvent as error:
        return f"refused: {error}"


def _reading(kind: Complete) -> str:
    whole = _read(kind, kind.body)
    lines = [json.dumps(kind.body), json.dumps(kind.attributes), whole]
    for path in _paths(kind.body):
        found: dict[str, list[str]] = {}
        found.setdefault(_read(kind, _changed(kind.body, path)), []).append("absent")
        for name, value in WRONG.items():
            found.setdefault(_read(kind, _changed(kind.body, path, value)), []).append(name)
        if list(found) == [whole]:
            continue  # another reader's
        lines.append(f"\n{'.'.join(map(str, path))}")
        lines += [f"  {', '.join(names)}: {_difference(whole, said)}" for said, names in found.items()]
    return "\n".join(lines) + "\n"


def _difference(whole: str, said: str) -> str:
    """What is read otherwise, with a little before and behind it."""
    if said == whole:
        return "the same"
    if said.startswith("refused: "):
        return said
    front = next((at for at, (old, new) in enumerate(zip(whole, said, strict=False)) if old != new), 0)
    back = next(at for at, (old, new) in enumerate(zip(whole[::-1], said[::-1], strict=False)) if old != new)
    return f"read as …{said[max(0, front - 24) : len(said) - back + 12]}…"


@pytest.mark.parametrize("name", kinds())
def test_every_field_is_read_or_refused_as_it_is_written(name: str) -> None:
    assert _reading(kinds()[name]) == (READ / f"{name}.txt").read_text()


if __name__ == "__main__":
    READ.mkdir(exist_ok=True)
    for name, kind in kinds().items():
        (READ / f"{name}.txt").write_text(_reading(kind))
