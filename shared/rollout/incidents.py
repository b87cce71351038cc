"""A Monitoring incident: an emergency brake that acts only when it can be about this rollout."""

from datetime import datetime

from shared.rollout.announcement import Severity
from shared.rollout.change import concluded, met_users, narrated, note, roll_back, unchanged
from shared.rollout.decision import Decision
from shared.rollout.facts import IncidentChanged
from shared.rollout.names import Phase
from shared.rollout.record import Record
from shared.rollout.strategy import Strategy
from shared.rollout.table import Cause


def changed(record: Record, fact: IncidentChanged, now: datetime, strategy: Strategy) -> Decision:
    """Each incident acts once; one that may not act is told to people all the same."""
    opened = f"incident/{fact.incident_id}/open"
    if record.has_acted(fact.key):
        return unchanged(record, "duplicate", f"Incident {fact.incident_id} was handled already.")
    if not fact.open:
        # A late "open" of the same incident must find it closed.
        after = record.remember_acted(fact.key)
        after = after if after.has_acted(opened) else after.remember_acted(opened)
        text = f"{fact.policy} closed."
        return concluded(record, note(after, "incident.closed", now, text, url=fact.url), "closed", text)
    after = record.remember_acted(fact.key)
    if why := _not_about_this(record, fact, now, strategy):
        text = f"{fact.policy} opened; nothing moves: {why}"
        after = note(after, "incident.noted", now, text, Severity.WARNING, url=fact.url, summary=fact.summary)
        return concluded(record, after, "incident_noted", text)
    text = f"{fact.policy} opened: {fact.summary}"
    after = roll_back(after, Cause.ALERT, now, text)
    return narrated(record, after, "no_target", text)


def _not_about_this(record: Record, fact: IncidentChanged, now: datetime, strategy: Strategy) -> str:
    """Why this incident may not move traffic, or ""; each reason is one clause of rule 4."""
    rollout = record.rollout
    if not fact.policy_rolls_back:
        return "its policy does not carry rollback=true."
    if record.edited:
        return f"traffic is in a person's hands ({record.edited})."
    if rollout is None or rollout.phase not in _MAY_RETURN or not met_users(rollout):
        return "no release of ours is on trial or freshly promoted."
    assert rollout.first_traffic_at is not None
    if fact.revision and fact.revision != rollout.canary:
        return f"it is about {fact.revision}, not {rollout.canary}."
    if fact.at < rollout.first_traffic_at:
        return "it opened before this release met its first user."
    if now - fact.at > strategy.alert_age_max:
        return "it is too old to act on."
    if rollout.phase is Phase.PROMOTED and now - rollout.phase_since > strategy.action_window:
        return "the release was promoted too long ago."
    return ""


_MAY_RETURN = frozenset({Phase.PROGRESSING, Phase.BAKING, Phase.HELD, Phase.PROMOTED})
