"""Typed readers over parsed JSON: what is wrong is an `InvalidEvent` that names the dotted field."""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Final

from shared.errors import InvalidEvent
from shared.events.message import Message

SIZE_MAX: Final = 1 << 20  # bytes; the largest real message (a Cloud Build with many steps) is far below
_MISSING: Final = object()

Fields = Mapping[str, Any]


def decode(message: Message) -> dict[str, Any]:
    """The JSON object a message carries."""
    if len(message.data) > SIZE_MAX:
        raise InvalidEvent("data", f"is {len(message.data)} bytes, more than {SIZE_MAX}")
    return parse_object(message.data, "data")


def parse_object(raw: bytes, field: str) -> dict[str, Any]:
    """The JSON object in `raw`. Half a surrogate pair is no text: nothing that writes UTF-8 could take it."""
    try:
        body = json.loads(raw.decode())
        if b"\\ud" in raw.lower():
            json.dumps(body, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise InvalidEvent(field, f"not UTF-8: {error}") from error
    except UnicodeEncodeError as error:
        raise InvalidEvent(field, f"holds half of a character: {error}") from error
    except (RecursionError, ValueError) as error:
        raise InvalidEvent(field, f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidEvent(field, f"must be a JSON object, not {_kind(body)}")
    return body


def text(fields: Fields, name: str, *, default: str | None = None, path: str = "") -> str:
    """A text that is not empty, or `default` when the field is absent or null."""
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or not (value or default is not None):
        raise InvalidEvent(path + name, f"must be a text that is not empty, not {_kind(fields.get(name, _MISSING))}")
    return value


def integer(fields: Fields, name: str, *, default: int | None = None, path: str = "") -> int:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidEvent(path + name, f"must be a whole number, not {_kind(fields.get(name, _MISSING))}")
    return value


def number(fields: Fields, name: str, *, default: float | None = None, path: str = "") -> float:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidEvent(path + name, f"must be a number, not {_kind(fields.get(name, _MISSING))}")
    try:
        found = float(value)
    except OverflowError as error:
        raise InvalidEvent(path + name, "is too large") from error
    if not isfinite(found):
        raise InvalidEvent(path + name, f"must be a finite number, not {found}")
    return found


def choice(fields: Fields, name: str, allowed: Collection[str], *, path: str = "") -> str:
    """One of `allowed`, compared as written."""
    value = text(fields, name, path=path)
    if value not in allowed:
        raise InvalidEvent(path + name, f'must be one of {", ".join(allowed)}, not "{value}"')
    return value


def mapping(fields: Fields, name: str, *, optional: bool = False, path: str = "") -> dict[str, Any]:
    value = fields.get(name)
    if value is None and optional:
        return {}
    if not isinstance(value, dict):
        raise InvalidEvent(path + name, f"must be an object, not {_kind(fields.get(name, _MISSING))}")
    return value


def rows(fields: Fields, name: str, *, path: str = "") -> list[dict[str, Any]]:
    """A list of objects; an absent one is empty."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidEvent(path + name, f"must be a list, not {_kind(value)}")
    for index, row in enumerate(value):
        if not isinstance(row, dict):
            raise InvalidEvent(f"{path}{name}[{index}]", f"must be an object, not {_kind(row)}")
    return value


def texts(fields: Fields, name: str, *, path: str = "") -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidEvent(path + name, f"must be a list of texts, not {_kind(value)}")
    return tuple(value)


def moment(fields: Fields, name: str, *, path: str = "") -> datetime:
    """An RFC 3339 time with its zone, in UTC."""
    return parse_moment(text(fields, name, path=path), path + name)


def parse_moment(value: str, field: str) -> datetime:
    """RFC 3339 as Google writes it: up to nine fractional digits, of which six are kept."""
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidEvent(field, f'must be an RFC 3339 time, not "{value}"') from error
    raise InvalidEvent(field, f'must be an RFC 3339 time with its zone, not "{value}"')


def epoch(fields: Fields, name: str, *, path: str = "") -> datetime | None:
    """Seconds since 1970; 0, null and absent mean never."""
    seconds = integer(fields, name, default=0, path=path)
    return from_epoch(seconds, path + name) if seconds else None


def from_epoch(seconds: float, field: str) -> datetime:
    """Raises InvalidEvent for what no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidEvent(field, f"is no time: {seconds}") from error


def duration(fields: Fields, name: str, *, path: str) -> timedelta:
    """Seconds."""
    seconds = number(fields, name, path=path)
    try:
        return timedelta(seconds=seconds)
    except (ValueError, OverflowError) as error:
        raise InvalidEvent(path + name, f"is no time span: {seconds}") from error


def version(fields: Fields, newest: int) -> None:
    """Our own messages say which shape they have; one from a newer release is not guessed at."""
    found = integer(fields, "v")
    if not 1 <= found <= newest:
        raise InvalidEvent("v", f"this version reads 1 to {newest}, not {found}")


def _kind(value: object) -> str:
    if value is _MISSING:
        return "absent"
    return "empty" if value == "" else "null" if value is None else type(value).__name__
