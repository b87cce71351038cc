"""The record as JSON text: versioned, bounded, and tolerant of fields a newer version added."""

import json
import types
import typing
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum, StrEnum
from functools import cache
from typing import Any, assert_never

from shared.errors import InvalidRecord
from shared.rollout.record import Record

SCHEMA = 1  # raised only when an older reader would misread, not when a field is added
SIZE_MAX = 16 * 1024  # bytes; Kubernetes bounds all annotations together at 256 KiB
_DIGITS_MAX = 18


def encode(record: Record) -> str:
    """Compact JSON; fields at their default are left out. Raises InvalidRecord above 16 KiB: see `bounds.fitted`."""
    text = _text(record)
    if len(text.encode()) > SIZE_MAX:
        raise InvalidRecord(f"the record of {record.service} grew past {SIZE_MAX} bytes")
    return text


def size(record: Record) -> int:
    """Bytes of the record as `encode` would write it."""
    return len(_text(record).encode())


def _text(record: Record) -> str:
    body: dict[str, Any] = {**json.loads(record.extra), "schema": SCHEMA, **_plain(record)}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def decode(text: str) -> Record:
    """Raises InvalidRecord, naming the field, when the text is not a record this version can read."""
    try:
        body = json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(f"record: not JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidRecord("must be an object")
    schema = body.pop("schema", None)
    if schema != SCHEMA:
        raise InvalidRecord(f"schema: this version reads {SCHEMA}, not {schema!r}")
    known = {field.name for field in fields(Record)} - {"extra"}
    extra = {name: value for name, value in body.items() if name not in known}
    record = _typed(Record, {name: value for name, value in body.items() if name in known}, "record")
    assert isinstance(record, Record)
    return record if not extra else _with_extra(record, extra)


def _with_extra(record: Record, extra: dict[str, Any]) -> Record:
    """Raises InvalidRecord for what could not be written again: NaN, half a character."""
    for name, value in extra.items():
        try:
            json.dumps({name: value}, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError) as error:
            raise InvalidRecord(f"record.{_readable(name)}: {error}") from error
    return replace(record, extra=json.dumps(extra, separators=(",", ":"), ensure_ascii=False))


def _whole(digits: str) -> int | float:
    """A whole number; one that no field of ours can hold is none, which `_typed` then says of the field."""
    return int(digits) if len(digits) <= _DIGITS_MAX else float(digits)


def _readable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def _plain(value: Any) -> Any:
    """A dataclass as plain JSON values, without the fields that stand at their default."""
    kind: Any = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is tuple:
        return [_plain(item) for item in value]
    if kind is datetime:
        return value.isoformat()
    if kind is dict:
        return dict(value)
    if isinstance(value, StrEnum):
        return str(value)
    row = {}
    for name, default in _defaults(kind):
        item = getattr(value, name)
        if item is not default and item != default and item != {}:
            row[name] = _plain(item)
    return row


_AS_THEY_ARE = frozenset({str, int, float, bool, type(None)})


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    """Every field that is written, and the value at which it is left out; asking the dataclass costs more."""
    return tuple((field.name, field.default) for field in fields(kind) if field.name != "extra")


def _typed(kind: Any, value: Any, path: str) -> Any:
    """The value as `kind`; the annotations of the record's dataclasses are its schema."""
    shape, inner = _shape(kind)
    match shape:
        case _Shape.PLAIN:
            if type(value) is not kind:
                raise InvalidRecord(f"{path}: must be {kind.__name__}, not {type(value).__name__}")
            return _whole_characters(value, path) if kind is str else value
        case _Shape.OPTIONAL:
            return None if value is None else _typed(inner, value, path)
        case _Shape.DATACLASS:
            return _dataclass(kind, value, path)
        case _Shape.TUPLE:
            if not isinstance(value, list):
                raise InvalidRecord(f"{path}: must be a list")
            return tuple(_typed(inner, item, f"{path}[{index}]") for index, item in enumerate(value))
        case _Shape.MAPPING:
            if not isinstance(value, dict):
                raise InvalidRecord(f"{path}: must be an object")
            return {
                _whole_characters(name, path): _typed(inner, item, f"{path}.{_readable(name)}")
                for name, item in value.items()
            }
        case _Shape.TEXT:
            try:
                return inner(value)
            except (TypeError, ValueError, OverflowError) as error:
                raise InvalidRecord(f"{path}: {error}") from error
        case _:
            assert_never(shape)


def _whole_characters(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRecord(f"{path}: holds half of a character") from error
    return text


def _moment(text: Any) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"must be a time with its zone, not {text!r}")
    return at.astimezone(UTC)


class _Shape(Enum):
    PLAIN = 1
    OPTIONAL = 2
    DATACLASS = 3
    TUPLE = 4
    MAPPING = 5
    TEXT = 6  # a time or a word of the field, written as text


@cache
def _shape(kind: Any) -> tuple[_Shape, Any]:
    """What an annotation asks for, and the type inside it, or what reads its text."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        return _Shape.DATACLASS, None
    if origin is types.UnionType or origin is typing.Union:
        return _Shape.OPTIONAL, arguments[0]
    if origin is tuple:
        return _Shape.TUPLE, arguments[0]
    if origin is not None:
        return _Shape.MAPPING, arguments[1]
    if kind is datetime:
        return _Shape.TEXT, _moment
    return (_Shape.TEXT, kind) if issubclass(kind, StrEnum) else (_Shape.PLAIN, None)


def _dataclass(kind: type, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise InvalidRecord(f"{path}: must be an object")
    types_by_name = _fields(kind)
    try:
        return kind(
            **{
                name: _typed(types_by_name[name], item, f"{path}.{name}")
                for name, item in value.items()
                if name in types_by_name
            }
        )
    except TypeError as error:
        raise InvalidRecord(f"{path}: {error}") from error


@cache
def _fields(kind: type) -> dict[str, Any]:
    """The type of every field; reading annotations costs more than the rest of decoding."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
