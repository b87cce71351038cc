"""A decision written out whole: its rule and reason, what is done, what is told to whom, and what the record keeps."""

import json
import re
from typing import Any

from shared.rollout.announcement import Announcement
from shared.rollout.codec import encode
from shared.rollout.decision import Decision, Effect, Move, Publish, RequestDeploy, Start
from shared.rollout.record import Record
from shared.rollout.strategy import Strategy
from shared.rollout.traffic import in_words, split

_SHORT = re.compile(r"sha256:(\w)\1{63}")


def written_out(before: Record, decision: Decision, strategy: Strategy) -> str:
    after = decision.record
    lines = [f"{decision.rule}: {decision.reason}"]
    lines += [f"  {_effect(effect)}" for effect in decision.effects]
    lines += [f"  {change}" for change in _changes(_body(before), _body(after))]
    if split(before, strategy) != split(after, strategy):
        lines.append(f"  traffic: {in_words(split(after, strategy))}")
    return _SHORT.sub(r"sha256:\1…", "\n".join(lines))


def _effect(effect: Effect) -> str:
    match effect:
        case Start():
            return f"start {effect.image} for {effect.rollout_id}"
        case Move():
            return "write"
        case Publish():
            return f"tell {_announcement(effect.announcement)}"
        case RequestDeploy():
            asked = effect.request
            return f"ask for {asked.release.short} on {asked.service}: {asked.source}, {asked.by}"


def _announcement(told: Announcement) -> str:
    details = "".join(f" {name}={text}" for name, text in told.details.items())
    return f"{told.severity} {told.key} of {told.service} [{told.rollout_id}] {told.kind}: {told.text}{details}"


def _body(record: Record) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode(record))
    unheard = [row["key"] for row in body.pop("outbox", [])]
    return {**body, "outbox": unheard}


def _changes(before: dict[str, Any], after: dict[str, Any], path: str = "") -> list[str]:
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            lines += _changes(old, new, f"{path}{name}.")
        elif isinstance(old, list) or isinstance(new, list):
            lines += [f"{path}{name} - {_json(item)}" for item in old or () if item not in (new or ())]
            lines += [f"{path}{name} + {_json(item)}" for item in new or () if item not in (old or ())]
        elif old != new:
            lines.append(f"{path}{name} = {_json(new)}")
    return lines


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
