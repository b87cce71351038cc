"""Whatever the bytes, a reader takes them or refuses them in its own words; it never breaks."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import InvalidEvent
from tests.fuzz.readers import found, readers

FOUND = Path(__file__).parent / "found"
HOSTILE: tuple[Any, ...] = (
    None, True, -1, 10**400, float("nan"), float("inf"), "", "\ud83d", "\x00", "9" * 5000, [], {}, [[[]]], {"a": {}},
)  # fmt: skip
EDGES = {
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "a marked section": b"<![foo[",
    "an open declaration": b"<!doctype [<!",
    "no UTF-8": b"\xff\xfe",
    "many digits": b"1" * 5000,
}
JSON = st.recursive(
    st.sampled_from(HOSTILE) | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
patient = settings(max_examples=150)


every_reader = pytest.mark.parametrize("name", sorted(readers()))
NAMES = st.sampled_from(sorted(readers()))


def attempt(name: str, data: bytes) -> str:
    """ "taken", or the field or the words it refuses them with; any other error is raised."""
    reader = readers()[name]
    try:
        reader.read(data)
    except reader.refuses as refusal:
        return refusal.field if isinstance(refusal, InvalidEvent) else str(refusal)
    return "taken"


@every_reader
def test_it_takes_what_it_is_for(name: str) -> None:
    for sample in readers()[name].samples:
        assert attempt(name, sample) == "taken"


@patient
@given(name=NAMES, data=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_nothing_at_all_breaks_it(name: str, data: bytes) -> None:
    assert attempt(name, data)


@pytest.mark.parametrize("edge", EDGES)
@every_reader
def test_no_edge_breaks_it(name: str, edge: str) -> None:
    assert attempt(name, EDGES[edge])


@patient
@given(name=NAMES, cut=st.floats(0, 1), with_=st.binary(max_size=5), length=st.integers(0, 20))
def test_what_it_is_for_with_bytes_changed_does_not_break_it(name: str, cut: float, with_: bytes, length: int) -> None:
    for sample in readers()[name].samples:
        at = int(cut * len(sample))
        assert attempt(name, sample[:at] + with_ + sample[at + length :])


@patient
@given(name=NAMES, junk=JSON, data=st.data())
def test_what_it_is_for_with_a_field_changed_does_not_break_it(name: str, junk: Any, data: st.DataObject) -> None:
    for sample in readers()[name].samples:
        try:
            body = json.loads(sample)
        except ValueError:
            return
        place = body
        while isinstance(place, dict | list) and place:
            keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            if data.draw(st.booleans()) or not isinstance(place[key], dict | list) or not place[key]:
                place[key] = junk
                break
            place = place[key]
        assert attempt(name, json.dumps(body).encode())


@pytest.mark.parametrize(("name", "path"), [pytest.param(*row, id=row[1].name) for row in found(FOUND)])
def test_what_once_broke_it_does_not_any_more(name: str, path: Path) -> None:
    assert attempt(name, path.read_bytes())
