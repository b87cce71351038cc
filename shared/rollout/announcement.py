"""What the world is told about a rollout: one event, one key, one sentence."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from shared.values import value


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    PAGE = "page"  # a person must look


@value
class Announcement:
    """One row of the outbox and of the ledger.

    key: unique for ever and the same on every telling, "web/000017-20260302T081500.000Z-rollout.advanced" (service,
    record sequence, time, kind);
    kind: a dotted past-tense name, "rollout.started"; text: one sentence for people;
    details: short texts for machines ("percent": "25").
    """

    key: str
    kind: str
    service: str
    at: datetime
    text: str
    severity: Severity = Severity.INFO
    rollout_id: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
