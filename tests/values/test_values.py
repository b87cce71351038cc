"""What is a value behaves as the frozen dataclass it is short for."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from typing import Any

import pytest

from shared.values import value


@value
class Point:
    x: int
    y: int = 0
    tags: tuple[str, ...] = field(default_factory=tuple)
    note: str = field(default="", repr=False, compare=False)


@value
class Other:
    x: int
    y: int = 0
    tags: tuple[str, ...] = ()
    note: str = ""


@value
class Nothing:
    pass


@value
class Growing:
    rows: list[int] = field(default_factory=list)


class Spelt:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Point:
        x: int
        y: int = 0
        tags: tuple[str, ...] = field(default_factory=tuple)
        note: str = field(default="", repr=False, compare=False)


def test_values_are_equal_by_their_content_and_only_to_their_own_kind() -> None:
    assert Point(x=1, note="seen") == Point(x=1) != Point(x=2)
    assert len({Point(x=1, note="seen"), Point(x=1), Point(x=2)}) == 2
    other: object = Other(x=1)
    assert Point(x=1) != other
    assert Nothing() == Nothing() != other
    assert hash(Nothing()) == hash(Nothing())


def test_a_value_never_changes() -> None:
    point: Any = Point(x=1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert replace(point, x=2) == Point(x=2)
    with pytest.raises(FrozenInstanceError):
        point.other = 2
    assert not hasattr(point, "__dict__")


def test_a_value_says_what_it_holds() -> None:
    assert repr(Point(x=1, tags=("a",), note="hidden")) == repr(Spelt.Point(x=1, tags=("a",))).removeprefix("Spelt.")
    assert repr(Nothing()) == "Nothing()"


def test_fields_are_given_by_name() -> None:
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]
    assert is_dataclass(Point)
    assert [row.name for row in fields(Point)] == ["x", "y", "tags", "note"]


def test_what_is_left_out_has_its_default_and_each_value_one_of_its_own() -> None:
    assert Growing().rows == []
    assert Growing().rows is not Growing().rows
    assert Growing(rows=[1]).rows == [1]
    with pytest.raises(TypeError, match="missing"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected"):
        Point(x=1, z=2)  # type: ignore[call-arg]


def test_what_a_value_holds_decides_whether_it_can_be_hashed() -> None:
    unhashable: Any = []
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(x=1, tags=unhashable))


def test_a_value_survives_being_pickled() -> None:
    point = Point(x=1, tags=("a",))
    assert pickle.loads(pickle.dumps(point)) == copy.deepcopy(point) == point
