"""The record as JSON text: versioned, bounded, and tolerant of fields a newer version added.

While our code is being replaced, instances of two versions write one record by turns:

- a new field needs no new schema: the older version carries along what it does not know, wherever it stands;
- a new schema is for what an older version would misread. It takes two releases: one that reads both and writes the
  old (a row in `LIFTS`), and the one after it, which writes the new (`SCHEMA`). So the version before can always be
  gone back to. Whoever meets a newer schema all the same touches nothing and lets the message come again.
"""

import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial
from typing import Any

from shared.errors import InvalidRecord, NewerRecord
from shared.rollout.names import NOTHING
from shared.rollout.record import Record

SCHEMA = 1  # what is written; raised only when an older reader would misread, not when a field is added
LIFTS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From a schema that is still read to the next: the record's JSON object without "schema", as the next has it."""
SIZE_MAX = 16 * 1024  # bytes; Kubernetes bounds all annotations together at 256 KiB
_DIGITS_MAX = 18
_Read = Callable[[Any, str], Any]
"""From a JSON value, and where it stands, to a field's value. Raises InvalidRecord, naming the place."""


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
    return _JSON.encode({"schema": SCHEMA, **_object(record)})


def decode(text: str) -> Record:
    """Raises InvalidRecord, naming the field, for what is no record, and NewerRecord for a later version's."""
    try:
        body = json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(f"record: not JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidRecord("must be an object")
    record = _dataclass(Record, _lifted(body, body.pop("schema", None)), "record")
    assert isinstance(record, Record)
    return record


def _lifted(body: dict[str, Any], schema: Any) -> dict[str, Any]:
    """The record's object as this version's schema has it."""
    if type(schema) is int and schema > SCHEMA:
        raise NewerRecord(f"{body.get('service')}: its record has schema {schema}, and this version reads {SCHEMA}")
    while schema != SCHEMA:
        if type(schema) is not int or schema not in LIFTS:
            raise InvalidRecord(f"schema: this version reads {', '.join(map(str, (*LIFTS, SCHEMA)))}, not {schema!r}")
        body, schema = LIFTS[schema](body), schema + 1
    return body


def _strangers(kind: type, value: dict[str, Any], path: str) -> str:
    """JSON of the fields that a newer version wrote. Raises InvalidRecord for what could not be written again."""
    extra = {name: item for name, item in value.items() if name not in _readers(kind)}
    for name, item in extra.items():
        try:
            json.dumps({name: item}, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError) as error:
            raise InvalidRecord(f"{path}.{_readable(name)}: {error}") from error
    return json.dumps(extra, separators=(",", ":"))


def _whole(digits: str) -> int | float:
    """A whole number; one that no field of ours can hold is none, which its reader then says of the field."""
    return int(digits) if len(digits) <= _DIGITS_MAX else float(digits)


def _readable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def _plain(value: Any) -> Any:
    """What JSON has no word for: a time as text, a dataclass as an object."""
    return value.isoformat() if type(value) is datetime else _object(value)


def _object(value: Any) -> dict[str, Any]:
    """Without the fields that stand at their default."""
    kind: Any = type(value)
    extra = getattr(value, "extra", NOTHING)
    row: dict[str, Any] = {} if extra == NOTHING else json.loads(extra)
    for name, default in _defaults(kind):
        item = getattr(value, name)
        if item is not default and item != default:
            row[name] = item
    return row


_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=_plain)


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    """Every field that is written, and the value at which it is left out; asking the dataclass costs more."""
    return tuple(
        (field.name, field.default if field.default_factory is MISSING else field.default_factory())
        for field in fields(kind)
        if field.name != "extra"
    )


def _optional(read: _Read, value: Any, path: str) -> Any:
    return None if value is None else read(value, path)


def _list(read: _Read, value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise InvalidRecord(f"{path}: must be a list")
    return tuple(read(item, f"{path}[{index}]") for index, item in enumerate(value))


def _mapping(read: _Read, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRecord(f"{path}: must be an object")
    return {_whole_characters(name, path): read(item, f"{path}.{_readable(name)}") for name, item in value.items()}


def _word(meaning: Callable[[str], Any], value: Any, path: str) -> Any:
    """A time, or a word of the field, written as text."""
    try:
        return meaning(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidRecord(f"{path}: {error}") from error


def _text_itself(value: Any, path: str) -> str:
    text: str = _itself(str, value, path)
    return _whole_characters(text, path)


def _itself(kind: type, value: Any, path: str) -> Any:
    if type(value) is not kind:
        raise InvalidRecord(f"{path}: must be {kind.__name__}, not {type(value).__name__}")
    return value


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


@cache
def _reader(kind: Any) -> _Read:
    """What reads a JSON value as an annotation asks; the annotations of the record's dataclasses are its schema."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        return partial(_dataclass, typing.cast("type", kind))
    if origin is types.UnionType or origin is typing.Union:
        return partial(_optional, _reader(arguments[0]))
    if origin is tuple:
        return partial(_list, _reader(arguments[0]))
    if origin is not None:
        return partial(_mapping, _reader(arguments[1]))
    if kind is datetime:
        return partial(_word, _moment)
    if issubclass(kind, StrEnum):
        return partial(_word, kind)
    return _text_itself if kind is str else partial(_itself, kind)


def _dataclass(kind: type, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise InvalidRecord(f"{path}: must be an object")
    readers = _readers(kind)
    known = {name: readers[name](item, f"{path}.{name}") for name, item in value.items() if name in readers}
    if len(known) < len(value) and "extra" in kind.__annotations__:
        known["extra"] = _strangers(kind, value, path)
    try:
        return kind(**known)
    except TypeError as error:
        raise InvalidRecord(f"{path}: {error}") from error


@cache
def _readers(kind: type) -> dict[str, _Read]:
    """Of every field that is written under its own name; reading annotations costs more than the rest of decoding."""
    hints = typing.get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in fields(kind) if field.name != "extra"}
