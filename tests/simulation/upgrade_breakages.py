"""Mistakes about two versions of our code; each calls the original for all but its own mistake."""

import json
from dataclasses import replace
from typing import Any

from shared.rollout import (
    codec,
)
from tests.simulation import versions
from tests.simulation.breakage import Breakage


def strangers_forgotten(text: str) -> Any:
    record = _decode(text)
    rollout = record.rollout and replace(record.rollout, extra="{}")
    return replace(record, extra="{}", rollout=rollout)


def schema_ignored(text: str) -> Any:
    return _decode(json.dumps({**json.loads(text), "schema": codec.SCHEMA}))


_decode = codec.decode

UPGRADE_BREAKAGES = (
    Breakage(
        "newer_fields_dropped",
        "k",
        "What a newer version wrote is dropped by an older one.",
        ((codec, "decode", strangers_forgotten),),
    ),
    Breakage(
        "newer_schema_misread",
        "k",
        "An older version takes a newer schema for its own.",
        ((codec, "decode", schema_ignored),),
    ),
    Breakage(
        "older_schema_unread",
        "ijk",
        "A newer version cannot read what the one before wrote.",
        ((versions, "LIFTS", {}),),
    ),
)
