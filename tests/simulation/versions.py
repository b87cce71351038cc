"""Two versions of our code at work on one record: while functions are replaced, each delivery meets either.

What tells a version from this one is how it reads and writes the record; the rest of it is production code.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import Any
from unittest.mock import patch

from shared.rollout import codec
from shared.rollout.record import Record

SECONDS = 25 * 60.0  # within which an upgrade begins
LASTING_SECONDS = (30.0, 600.0)
REMEMBERED = 64


class Version(StrEnum):
    """Of our code, by what it makes of a record."""

    BEFORE = "before"  # does not know `standby`, `edited_at` and a rollout's `steps`
    THIS = "this"
    AFTER = "after"  # adds fields
    NEW_SCHEMA = "new_schema"  # what this one would misread


NEXT_SCHEMA = codec.SCHEMA + 1
LIFTS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    codec.SCHEMA: lambda body: {**body, "lifted": codec.SCHEMA}
}
UPGRADES = (
    (Version.THIS, Version.THIS),
    (Version.BEFORE, Version.THIS),
    (Version.THIS, Version.AFTER),
    (Version.THIS, Version.NEW_SCHEMA),
)


@dataclass(frozen=True)
class Upgrade:
    """From one version to the next, and sometimes back again. began, ended: seconds; in between any delivery meets
    either version."""

    old: Version
    new: Version
    began: float
    ended: float
    taken_back: bool

    @classmethod
    def drawn(cls, random: Random) -> "Upgrade":
        old, new = random.choice(UPGRADES)
        began = random.uniform(0, SECONDS)
        taken_back = new is not Version.NEW_SCHEMA and random.random() < 0.3
        return cls(old, new, began, began + random.uniform(*LASTING_SECONDS), taken_back)

    def version(self, seconds: float, random: Random) -> Version:
        """Which one a delivery meets."""
        if self.began <= seconds < self.ended:
            return random.choice((self.old, self.new))
        return self.new if seconds >= self.ended and not self.taken_back else self.old


_AT_WORK: ContextVar[Version | None] = ContextVar("version", default=None)
"""Of the delivery whose code runs; each greenlet has its own. None: the observer, who reads everything."""


class AtWork:
    """A context manager: inside, this version of our code is at work. One made of a generator takes much longer."""

    def __init__(self, version: Version | None) -> None:
        self._version = version

    def __enter__(self) -> None:
        self._token = _AT_WORK.set(self._version)

    def __exit__(self, *error: object) -> None:
        _AT_WORK.reset(self._token)


def _as_before(record: Record) -> Record:
    """What the version before makes of it: unknown fields are carried along and mean nothing."""
    rollout, extra = record.rollout, json.loads(record.extra)
    if rollout and rollout.steps:
        rollout = replace(rollout, extra=json.dumps({**json.loads(rollout.extra), "steps": rollout.steps}))
    if record.standby:
        extra["standby"] = record.standby
    if record.edited_at:
        extra["edited_at"] = record.edited_at.isoformat()
    record = replace(record, extra=json.dumps(extra))
    return _without_news(replace(record, rollout=rollout))


def _without_news(record: Record) -> Record:
    """What the version before decides by itself has no newer fields; those it found are written from `extra`."""
    rollout = record.rollout and replace(record.rollout, steps=())
    return replace(record, rollout=rollout, standby="", edited_at=None)


def _with_news(text: str) -> str:
    """As a version with new fields writes a record: it cannot do without them where it has once written them."""
    body = json.loads(text)
    body["later"] = body.get("later", body.get("sequence", 0))
    for name, key in (("rollout", "id"), ("pin", "at")):
        if body.get(name):
            body[name].setdefault("later", body[name][key])
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def lost_news(before: str, after: str) -> str:
    """What of a newer version's one write destroyed, or ""."""
    if _LATER not in before and before.startswith(_OF_THIS_SCHEMA) and after.startswith(_OF_THIS_SCHEMA):
        return ""  # nothing newer was there
    old, new = json.loads(before), json.loads(after)
    if new["schema"] < old["schema"]:
        return f"schema {old['schema']} became {new['schema']}"
    places = [("the record", old, new)]
    for name, key in (("rollout", "id"), ("pin", "at")):
        rows = old.get(name) or {}, new.get(name) or {}
        if rows[0].get(key) == rows[1].get(key):
            places.append((name, *rows))
    return ", ".join(name for name, was, row in places if was.get("later") != row.get("later") and "later" in was)


class Codec:
    """Reads and writes as the version at work. Texts are remembered, unless the codec was broken on purpose."""

    def __init__(self) -> None:
        self._decode, self._text = codec.decode, codec._text
        self._texts: dict[tuple[int, Version], tuple[Record, str]] = {}
        sound = (self._decode, self._text) == (_SOUND_DECODE, _SOUND_TEXT)
        self._decoded = _remembered if sound and LIFTS is _SOUND_LIFTS else self._read

    def decode(self, text: str) -> Record:
        version = _AT_WORK.get()
        alike = version is Version.AFTER or (version is None and text.startswith(_OF_THIS_SCHEMA))
        return self._decoded(text, Version.THIS if alike else version)

    def text(self, record: Record) -> str:
        version = _AT_WORK.get() or Version.THIS
        kept = self._texts.get((id(record), version))
        if kept is None:
            if len(self._texts) >= REMEMBERED:
                self._texts.clear()
            # the record is kept with its text, so that no other can get its address in the meantime
            kept = self._texts[id(record), version] = (record, self._write(record, version))
        return kept[1]

    def _read(self, text: str, version: Version | None) -> Record:
        return _read(self._decode, text, version)

    def _write(self, record: Record, version: Version) -> str:
        text = self._text(_without_news(record) if version is Version.BEFORE else record)
        if version is Version.AFTER:
            return _with_news(text)
        return _of_next_schema(text) if version is Version.NEW_SCHEMA else text


def _of_next_schema(text: str) -> str:
    return text.replace(f'"schema":{codec.SCHEMA}', f'"schema":{NEXT_SCHEMA}', 1)


def _read(decode: Callable[[str], Record], text: str, version: Version | None) -> Record:
    if version not in (None, Version.NEW_SCHEMA):
        record = decode(text)
        return _as_before(record) if version is Version.BEFORE else record
    ours = codec.SCHEMA, codec.LIFTS
    codec.SCHEMA, codec.LIFTS = NEXT_SCHEMA, _SOUND_LIFTS if version is None else LIFTS
    try:
        return decode(text)
    finally:
        codec.SCHEMA, codec.LIFTS = ours


_LATER = '"later"'
_OF_THIS_SCHEMA = f'{{"schema":{codec.SCHEMA},'
_SOUND_DECODE, _SOUND_TEXT, _SOUND_LIFTS = codec.decode, codec._text, LIFTS


@lru_cache(REMEMBERED)
def _remembered(text: str, version: Version | None) -> Record:
    return _read(_SOUND_DECODE, text, version)


@contextmanager
def versions_at_work() -> Iterator[None]:
    """Whatever reads or writes a record inside does it as the version at work."""
    both = Codec()
    with patch.multiple(codec, decode=both.decode, _text=both.text):
        yield
