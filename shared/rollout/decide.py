"""The core: what to do about one fact or command, given the record. Pure.

No clock, client, logger, environment or randomness: the same arguments give the same decision, and the reason is
part of it. Targets are absolute, so deciding anything twice equals deciding it once.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from shared.rollout.announcement import Severity
from shared.rollout.bounds import WORDS_MAX, clipped
from shared.rollout.change import announce, concluded, note, unchanged
from shared.rollout.commands import Command
from shared.rollout.decision import Decision
from shared.rollout.facts import DeployRequested, IncidentChanged
from shared.rollout.incidents import changed
from shared.rollout.intake import Event, bounded
from shared.rollout.judging import judged
from shared.rollout.observations import Judged, TrafficEdited, TrafficRestored
from shared.rollout.orders import ordered
from shared.rollout.record import Record
from shared.rollout.requests import requested
from shared.rollout.strategy import Strategy
from shared.rollout.traffic import in_words, percents


def decide(record: Record, event: Event, now: datetime, strategy: Strategy) -> Decision:
    """The one decision for this event on this record at this time."""
    match bounded(event):
        case DeployRequested() as event:
            return requested(record, event, now, strategy)
        case Judged() as event:
            return judged(record, event, now, strategy)
        case IncidentChanged() as event:
            return changed(record, event, now, strategy)
        case Command() as event:
            return ordered(record, event, now, strategy)
        case TrafficEdited() as event:
            return _edited(record, event, now)
        case TrafficRestored():
            return _restored(record, now)
        case unknown:
            assert_never(unknown)


def _edited(record: Record, fact: TrafficEdited, now: datetime) -> Decision:
    found = clipped(in_words(percents(fact.traffic)), WORDS_MAX)
    if record.edited == found:
        return unchanged(record, "duplicate", f"Traffic is still in a person's hands: {found}.")
    text = f"Traffic was moved by hand to {found}. It is left alone: resume, roll back, or put it back."
    after = announce(replace(record, edited=found, edited_at=now), "traffic.edited", now, text, Severity.PAGE)
    return concluded(record, after, "traffic_edited", text)


def _restored(record: Record, now: datetime) -> Decision:
    if not record.edited:
        return unchanged(record, "duplicate", "Traffic is what the record says.")
    text = "Traffic is again what the record says; the rollout goes on."
    after = note(record.hands_off(), "traffic.restored", now, text)
    return concluded(record, after, "traffic_restored", text)
