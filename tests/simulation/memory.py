"""Records as text read and written once: the same text is decoded several times for every write of a simulated world.

Reading and writing are pure, so whoever asks again gets the same frozen record. The production code still does it
the first time, in the world that met it first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from unittest.mock import patch

from shared.rollout import codec
from shared.rollout.record import Record

REMEMBERED = 1024
_decode, _text = codec.decode, codec._text
_texts: dict[int, tuple[Record, str]] = {}

decoded = lru_cache(REMEMBERED)(_decode)


def written(record: Record) -> str:
    """The record is kept with its text, so that no other can get its address in the meantime."""
    kept = _texts.get(id(record))
    if kept is None:
        if len(_texts) >= REMEMBERED:
            _texts.clear()
        kept = _texts[id(record)] = (record, _text(record))
    return kept[1]


@contextmanager
def remembering() -> Iterator[None]:
    """Leaves a codec alone that was broken on purpose."""
    replacements: dict[str, Any] = {"decode": (_decode, decoded), "_text": (_text, written)}
    with patch.multiple(
        codec, **{name: after for name, (before, after) in replacements.items() if getattr(codec, name) is before}
    ):
        yield
