"""What a mistake puts in the place of production code; each calls the original for all but its own mistake."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from functions.health_verify import handler as health_verify
from functions.health_verify import reading
from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.errors import Conflict
from shared.rollout import (
    change,
    climbing,
    codec,
    incidents,
    judging,
    orders,
    requests,
    traffic,
)
from shared.rollout.facts import OPEN
from shared.rollout.freezes import Freezes, Wish
from shared.rollout.names import Phase
from shared.rollout.service import TrafficTarget
from shared.runtime import turn


def etag_ignored(cloud: Any, service: Any, decision: Any, managed: Any) -> None:
    _save(cloud, replace(service, etag=cloud.services.get(service.name).etag), decision, managed)


def not_saved(cloud: Any, service: Any, decision: Any, managed: Any) -> None:
    return None


def told_before_saved(cloud: Any, service: Any, decision: Any, managed: Any) -> None:
    _perform(cloud, decision)
    _save(cloud, service, decision, managed)


def race_swallowed(cloud: Any, service: Any, decision: Any, managed: Any) -> None:
    try:
        _save(cloud, service, decision, managed)
    except Conflict:
        return


def seen_as(health: Health) -> Callable[..., Any]:
    def advance(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
        if fact.verdict and fact.verdict.health is Health.ERROR:
            fact = fact._replace(verdict=fact.verdict._replace(health=health))
        return _advance(record, fact, now, strategy)

    return advance


def probes_taken_for_passed(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    passed = tuple(probe._replace(outcome=ProbeOutcome.PASSED) for probe in fact.probes)
    return _verify(record, fact._replace(probes=passed), now, strategy)


def stale_taken_for_fresh(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    rollout = record.active
    if rollout:
        fact = fact._replace(rollout_id=rollout.id, step=rollout.step, at=now)
    return _judged(record, fact, now, strategy)


def outbox_forgotten(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    kept, again = _upkeep(record, fact, now, strategy)
    return replace(kept, outbox=()), again


def told_only_once(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    return _upkeep(record, fact, now, strategy)[0], ()


def keys_by_kind(record: Any, kind: str, now: Any, *rest: Any, **details: Any) -> Any:
    after = _announce(record, kind, now, *rest, **details)
    return replace(after, outbox=(*after.outbox[:-1], replace(after.outbox[-1], key=f"{record.service}/000001-{kind}")))


def unfinished_rollback(record: Any, *rest: Any, **more: Any) -> Any:
    after = _roll_back(record, *rest, **more)
    return replace(after, pin=None)


def rollback_without_blame(record: Any, *rest: Any, **more: Any) -> Any:
    after = _roll_back(record, *rest, **more)
    return replace(after, known_bad=(), pin=None)


def lossy_targets(record: Any, strategy: Any, current: Any) -> Any:
    return tuple(row for row in _targets(record, strategy, current) if row.tag in ("", *traffic.OUR_TAGS))


def ninety_nine(record: Any, strategy: Any) -> Any:
    shares = dict(_split(record, strategy))
    if len(shares) > 1:
        shares[record.stable] -= 1
    return shares


def latest_trusted(record: Any, strategy: Any, current: Any) -> Any:
    canary = record.active.canary if record.active else ""
    return tuple(
        TrafficTarget(revision=None, percent=row.percent) if row.percent and row.revision == canary else row
        for row in _targets(record, strategy, current)
    )


def oldest_first(record: Any, release: Any) -> Any:
    found = _settled(record, release)
    return None if found and found[0] == "stale" else found


def pin_not_asked(record: Any, fact: Any, strategy: Any) -> Any:
    return _must_wait(replace(record, pin=None), fact, strategy)


def freeze_not_asked(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    frozen = record.frozen
    return replace(_on_trial(replace(record, frozen=""), fact._replace(frozen=""), now, strategy), frozen=frozen)


def never_fails_to_start(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    rollout = replace(record.rollout, phase_since=now)
    after = _prepare(replace(record, rollout=rollout), fact, now, strategy)
    return record if after.rollout == rollout else after


def held_for_ever(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    return record


def newest_is_stable(service: Any) -> str:
    return str(service.latest_created)


def back_to_itself(record: Any, *rest: Any, **more: Any) -> Any:
    rollout = record.rollout
    return _roll_back(replace(record, target=rollout.canary or record.target), *rest, **more)


def order_without_age(record: Any, command: Any) -> str:
    return ""


def refused_for_good(record: Any, kind: str, now: Any, text: str, *rest: Any, revision: str) -> Any:
    return _note(record, kind, now, text, *rest, revision=revision).refuse(revision)


def forgetful(record: Any, key: str) -> Any:
    return record


def same_sequence(before: Any, record: Any, rule: str, reason: str, *effects: Any) -> Any:
    decision = _concluded(before, record, rule, reason, *effects)
    return replace(decision, record=replace(decision.record, sequence=before.sequence))


def last_freeze_wins(ledger: Any, holder: str, reason: str, at: Any) -> Any:
    ledger.freezes = Freezes(wishes={**ledger.freezes.wishes, holder: Wish(reason, at)})
    return ledger.freezes


def heard_already(message: Any, cloud: Any) -> str:
    return "duplicate: so they say."


def no_newer_record(cloud: Any, service: str, found: Any) -> None:
    return None


def restored_blindly(record: Any, found: Any, now: Any) -> Any:
    return record


def anybody_overtakes(record: Any, command: Any) -> str:
    if record.commanded_at and command.at < record.commanded_at:
        return "A newer command was taken already."
    return _overtaken(record, command)


def any_newcomer_supersedes(rollout: Any, fact: Any, strategy: Any) -> bool:
    return rollout.effective_phase is not Phase.BAKING


def unclear_is_enough(rollout: Any, fact: Any) -> bool:
    unclear = rollout.phase is Phase.BAKING and fact.verdict and fact.verdict.health is Health.INCONCLUSIVE
    return bool(unclear) or _proved(rollout, fact)


def gate_open(cloud: Any, managed: Any, release: Any) -> Any:
    return OPEN


def blind(cloud: Any, name: str, message: Any) -> str:
    for other in cloud.environment.services:
        if record := cloud.services.get(other).record:
            codec.decode(record)
    return _measure(cloud, name, message)


def tag_trusted(cloud: Any, service: Any, rollout: Any, *rest: Any) -> Any:
    name = rollout.canary or service.latest_created
    return _read_canary(cloud, replace(service, tagged={**service.tagged, "canary": name}), rollout, *rest)


def ended_unsaid(record: Any, cause: Any, now: Any, kind: str, *rest: Any) -> Any:
    after = _end(record, cause, now, kind, *rest)
    return replace(after, outbox=after.outbox[:-1])


def moved_later(record: Any, strategy: Any, current: Any) -> Any:
    rollout = record.rollout
    if rollout and rollout.phase is Phase.BAKING:
        current = tuple(current)
        return current if any(row.percent for row in current) else _targets(record, strategy, current)
    return _targets(record, strategy, current)


def about_anything(record: Any, *rest: Any) -> str:
    legal = record.rollout is not None and record.rollout.phase in incidents._MAY_RETURN
    return "" if legal else _not_about_this(record, *rest)


_save, _perform = turn._save, turn._perform
_advance, _verify, _upkeep, _prepare, _on_trial = (
    judging._advance,
    climbing.verify,
    judging._upkeep,
    climbing.prepare,
    climbing.on_trial,
)
_note = change.note
_judged, _announce, _roll_back, _concluded = judging.judged, change.announce, change.roll_back, change.concluded
_targets, _split, _settled, _must_wait = traffic.targets, traffic.split, requests._settled, requests.must_wait
_not_about_this = incidents._not_about_this
_measure = health_verify._measure
_overtaken, _proved, _end, _read_canary = orders._overtaken, climbing._proved, change.end, reading._read_canary
