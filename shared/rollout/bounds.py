"""How much of other people's words a record keeps: it stays below its limit whatever anybody writes.

Sizes are bytes of JSON. Words are clipped where they enter (intake.py); what all the same grows too large together is
trimmed, the least needed first, because a rollback must never fail for want of room.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from shared.rollout.announcement import Announcement
from shared.rollout.codec import SIZE_MAX, size
from shared.rollout.names import NOTHING
from shared.rollout.record import Record

NAME_MAX = 80  # who asked, an alert policy, a probe's path, a commit
WORDS_MAX = 400  # what a person, a container, an alert, a probe or the judge said
URL_MAX = 300
SENTENCE_MAX = 900  # a whole announcement
SHORT_SENTENCE_MAX = 160  # of everything, once the record is too large

_JSON = json.JSONEncoder(ensure_ascii=False)


def clipped(text: str, limit: int) -> str:
    """The text as it is, or its beginning and "…" when it takes more than `limit` bytes."""
    if not text:
        return text
    text = text.encode("utf-8", "replace").decode()
    if _bytes(text) <= limit:
        return text
    text = text[:limit]
    while (excess := _bytes(text) + 3 - limit) > 0:
        text = text[: -max(1, excess // 6)]  # no character takes more than six bytes
    return f"{text}…"


def _bytes(text: str) -> int:
    return len(_JSON.encode(text).encode()) - 2


def fitted(record: Record) -> Record:
    """The record as it is, or with as much left out as its size demands, the least needed first."""
    for trim in _TRIMS:
        if size(record) <= SIZE_MAX:
            return record
        record = trim(record)
    while size(record) > SIZE_MAX and record.outbox:
        record = replace(record, outbox=record.outbox[1:])
    return record if size(record) <= SIZE_MAX else _strangers_out(record)


def _strangers_out(record: Record) -> Record:
    """Without what a newer version wrote, when nothing else is left to leave out."""
    rollout = record.rollout and replace(record.rollout, extra=NOTHING)
    return replace(record, extra=NOTHING, rollout=rollout)


def _old_reasons_out(record: Record) -> Record:
    """Why a release was bad long ago is in the ledger; that it was bad stays."""
    old = tuple(replace(bad, reason="") for bad in record.known_bad[:-1])
    return replace(record, known_bad=old + record.known_bad[-1:])


def _old_keys_out(record: Record) -> Record:
    return replace(record, acted=record.acted[-20:], retired=record.retired[-10:])


def _sentences_shortened(record: Record) -> Record:
    rollout, pin = record.rollout, record.pin
    if rollout and rollout.hold:
        rollout = replace(rollout, hold=replace(rollout.hold, reason=_short(rollout.hold.reason)))
    return replace(
        record,
        rollout=rollout,
        pin=pin and replace(pin, reason=_short(pin.reason)),
        frozen=_short(record.frozen),
        edited=_short(record.edited),
        known_bad=tuple(replace(bad, reason=_short(bad.reason)) for bad in record.known_bad),
        outbox=tuple(_shortened(item) for item in record.outbox),
    )


def _shortened(item: Announcement) -> Announcement:
    details = {name: clipped(text, NAME_MAX) for name, text in item.details.items()}
    return replace(item, text=_short(item.text), details=details)


def _short(text: str) -> str:
    return clipped(text, SHORT_SENTENCE_MAX)


def _all_but_the_newest_out(record: Record) -> Record:
    return replace(record, acted=record.acted[-8:], retired=record.retired[-5:], known_bad=record.known_bad[-10:])


_TRIMS: tuple[Callable[[Record], Record], ...] = (
    _old_reasons_out,
    _old_keys_out,
    _sentences_shortened,
    _all_but_the_newest_out,
)
