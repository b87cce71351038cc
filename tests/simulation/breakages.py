"""Rules broken on purpose: the simulation that does not find each of them proves nothing.

Every breakage is one plausible mistake, patched into the production code for as long as the context lasts.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from functions.health_verify import reading
from functions.notify import handler as notify
from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.errors import Conflict
from shared.rollout import (
    change,
    climbing,
    decide,
    incidents,
    judging,
    newcomer,
    orders,
    requests,
    restoration,
    standstill,
    traffic,
)
from shared.rollout.freezes import Freezes, Wish
from shared.rollout.record import Record
from shared.rollout.service import TrafficTarget
from shared.runtime import turn
from tests.simulation.surroundings import Ledger


@dataclass(frozen=True)
class Breakage:
    """mistake: in one sentence; patches: what to replace, by module and name."""

    name: str
    mistake: str
    patches: tuple[tuple[Any, str, Callable[..., Any]], ...]

    @contextmanager
    def made(self) -> Iterator[None]:
        with ExitStack() as stack:
            for module, name, replacement in self.patches:
                stack.enter_context(patch.object(module, name, replacement))
            yield


def _etag_ignored(cloud: Any, service: Any, decision: Any, managed: Any) -> None:
    _save(cloud, replace(service, etag=cloud.services.get(service.name).etag), decision, managed)


def _not_saved(cloud: Any, service: Any, decision: Any, managed: Any) -> None:
    return None


def _told_before_saved(cloud: Any, service: Any, decision: Any, managed: Any) -> None:
    _perform(cloud, decision)
    _save(cloud, service, decision, managed)


def _race_swallowed(cloud: Any, service: Any, decision: Any, managed: Any) -> None:
    try:
        _save(cloud, service, decision, managed)
    except Conflict:
        return


def _seen_as(health: Health) -> Callable[..., Any]:
    def advance(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
        if fact.verdict and fact.verdict.health is Health.ERROR:
            fact = replace(fact, verdict=fact.verdict._replace(health=health))
        return _advance(record, fact, now, strategy)

    return advance


def _probes_taken_for_passed(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    passed = tuple(probe._replace(outcome=ProbeOutcome.PASSED) for probe in fact.probes)
    return _verify(record, replace(fact, probes=passed), now, strategy)


def _stale_taken_for_fresh(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    rollout = record.active
    if rollout:
        fact = replace(fact, rollout_id=rollout.id, step=rollout.step, at=now)
    return _judged(record, fact, now, strategy)


def _outbox_forgotten(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    kept, again = _upkeep(record, fact, now, strategy)
    return replace(kept, outbox=()), again


def _told_only_once(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    return _upkeep(record, fact, now, strategy)[0], ()


def _keys_by_kind(record: Any, kind: str, now: Any, *rest: Any, **details: Any) -> Any:
    after = _announce(record, kind, now, *rest, **details)
    return replace(after, outbox=(*after.outbox[:-1], replace(after.outbox[-1], key=f"{record.service}/000001-{kind}")))


def _unfinished_rollback(record: Any, *rest: Any) -> Any:
    after = _roll_back(record, *rest)
    return replace(after, pin=None)


def _rollback_without_blame(record: Any, *rest: Any) -> Any:
    after = _roll_back(record, *rest)
    return replace(after, known_bad=(), pin=None)


def _lossy_targets(record: Any, strategy: Any, current: Any) -> Any:
    return tuple(row for row in _targets(record, strategy, current) if row.tag in ("", *traffic.OUR_TAGS))


def _ninety_nine(record: Any, strategy: Any) -> Any:
    shares = dict(_split(record, strategy))
    if len(shares) > 1:
        shares[record.stable] -= 1
    return shares


def _latest_trusted(record: Any, strategy: Any, current: Any) -> Any:
    canary = record.active.canary if record.active else ""
    return tuple(
        TrafficTarget(revision=None, percent=row.percent) if row.percent and row.revision == canary else row
        for row in _targets(record, strategy, current)
    )


def _oldest_first(record: Any, release: Any) -> Any:
    found = _settled(record, release)
    return None if found and found[0] == "stale" else found


def _pin_not_asked(record: Any, fact: Any, strategy: Any) -> Any:
    return _must_wait(replace(record, pin=None), fact, strategy)


def _freeze_not_asked(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    frozen = record.frozen
    return replace(_on_trial(replace(record, frozen=""), replace(fact, frozen=""), now, strategy), frozen=frozen)


def _never_fails_to_start(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    rollout = replace(record.rollout, phase_since=now)
    after = _prepare(replace(record, rollout=rollout), fact, now, strategy)
    return record if after.rollout == rollout else after


def _held_for_ever(record: Any, fact: Any, now: Any, strategy: Any) -> Any:
    return record


def _newest_is_stable(service: Any) -> str:
    return str(service.latest_created)


def _back_to_itself(record: Any, *rest: Any) -> Any:
    rollout = record.rollout
    return _roll_back(replace(record, target=rollout.canary or record.target), *rest)


def _order_without_age(record: Any, command: Any) -> str:
    return ""


def _forgetful(record: Any, key: str) -> Any:
    return record


def _same_sequence(before: Any, record: Any, rule: str, reason: str, *effects: Any) -> Any:
    decision = _concluded(before, record, rule, reason, *effects)
    return replace(decision, record=replace(decision.record, sequence=before.sequence))


def _last_freeze_wins(ledger: Any, holder: str, reason: str, at: Any) -> Any:
    ledger.freezes = Freezes(wishes={**ledger.freezes.wishes, holder: Wish(reason, at)})
    return ledger.freezes


def _heard_already(message: Any, cloud: Any) -> str:
    return "duplicate: so they say."


def _no_newer_record(cloud: Any, service: str, after: int) -> None:
    return None


def _restored_blindly(record: Any, found: Any, now: Any) -> Any:
    return record


_save, _perform = turn._save, turn._perform
_advance, _verify, _upkeep, _prepare, _on_trial = (
    judging._advance,
    climbing.verify,
    judging._upkeep,
    climbing.prepare,
    climbing.on_trial,
)
_judged, _announce, _roll_back, _concluded = judging.judged, change.announce, change.roll_back, change.concluded
_targets, _split, _settled, _must_wait = traffic.targets, traffic.split, requests._settled, requests.must_wait
_ROLL_BACKS = (climbing, standstill, incidents, orders)
_CONCLUDING = (change, judging, newcomer, incidents, orders, requests, restoration, decide)
_ANNOUNCING = (change, climbing, standstill, newcomer, orders, requests, restoration, decide)


def _everywhere(name: str, replacement: Callable[..., Any], *modules: Any) -> tuple[tuple[Any, str, Any], ...]:
    return tuple((module, name, replacement) for module in modules)


BREAKAGES = (
    Breakage(
        "etag_ignored", "A write goes through whatever was written since the read.", ((turn, "_save", _etag_ignored),)
    ),
    Breakage("acked_before_saved", "The message is acked and nothing was written.", ((turn, "_save", _not_saved),)),
    Breakage("told_before_saved", "People hear of what is not written yet.", ((turn, "_save", _told_before_saved),)),
    Breakage("race_swallowed", "A lost race is taken for a success.", ((turn, "_save", _race_swallowed),)),
    Breakage("blindness_promotes", "No metrics count as healthy.", ((judging, "_advance", _seen_as(Health.HEALTHY)),)),
    Breakage(
        "blindness_blames", "No metrics count as unhealthy.", ((judging, "_advance", _seen_as(Health.UNHEALTHY)),)
    ),
    Breakage(
        "probes_ignored", "A canary whose probes fail gets users.", ((judging, "verify", _probes_taken_for_passed),)
    ),
    Breakage("stale_verdict", "A verdict about another step counts.", ((decide, "judged", _stale_taken_for_fresh),)),
    Breakage(
        "outbox_forgotten",
        "The outbox is emptied before the ledger has it.",
        ((judging, "_upkeep", _outbox_forgotten),),
    ),
    Breakage(
        "told_only_once", "What was not published is never published again.", ((judging, "_upkeep", _told_only_once),)
    ),
    Breakage(
        "keys_by_kind",
        "Two announcements share a key.",
        _everywhere("announce", _keys_by_kind, *_ANNOUNCING),
    ),
    Breakage("pin_forgotten", "A rollback does not pin.", _everywhere("roll_back", _unfinished_rollback, *_ROLL_BACKS)),
    Breakage("pin_not_asked", "A pinned service starts what is pushed.", ((requests, "must_wait", _pin_not_asked),)),
    Breakage(
        "blame_forgotten",
        "A rolled back digest is not remembered.",
        _everywhere("roll_back", _rollback_without_blame, *_ROLL_BACKS),
    ),
    Breakage("tags_lost", "Other people's tags are dropped.", ((turn, "targets", _lossy_targets),)),
    Breakage("ninety_nine_percent", "One percent of users get nobody.", ((traffic, "split", _ninety_nine),)),
    Breakage("latest_trusted", "The canary's share goes to LATEST.", ((turn, "targets", _latest_trusted),)),
    Breakage("older_push_wins", "An older push undoes a newer one.", ((requests, "_settled", _oldest_first),)),
    Breakage("freeze_ignored", "A frozen service advances.", ((judging, "on_trial", _freeze_not_asked),)),
    Breakage(
        "no_prepare_deadline", "A revision may take for ever to start.", ((judging, "prepare", _never_fails_to_start),)
    ),
    Breakage(
        "hold_without_exit", "A hold never ends by itself and nobody is asked.", ((judging, "held", _held_for_ever),)
    ),
    Breakage(
        "adopts_the_newest", "What was created last counts as stable.", ((turn, "serving_revision", _newest_is_stable),)
    ),
    Breakage(
        "back_to_itself",
        "A rollback goes to the revision it leaves.",
        _everywhere("roll_back", _back_to_itself, *_ROLL_BACKS),
    ),
    Breakage(
        "orders_without_age", "An overtaken command is carried out.", ((orders, "_overtaken", _order_without_age),)
    ),
    Breakage("commands_repeat", "A repeated command is carried out again.", ((Record, "remember_acted", _forgetful),)),
    Breakage(
        "sequence_stands",
        "A write does not count.",
        _everywhere("concluded", _same_sequence, *_CONCLUDING),
    ),
    Breakage(
        "old_copy_trusted",
        "A record put back by somebody else is believed.",
        ((turn, "newer_record", _no_newer_record), (reading, "newer_record", _no_newer_record)),
    ),
    Breakage(
        "rollback_undone",
        "Restoring the record forgets the rollback in between.",
        ((restoration, "_taken_back", _restored_blindly),),
    ),
    Breakage(
        "freeze_by_arrival",
        "The last freeze to arrive wins, not the last one asked for.",
        ((Ledger, "set_freeze", _last_freeze_wins),),
    ),
    Breakage(
        "alerts_hit_anything", "Every alert rolls back whatever runs.", ((incidents, "_not_about_this", lambda *_: ""),)
    ),
    Breakage(
        "hands_off_forgotten",
        "Traffic edited by hand is overwritten.",
        ((turn, "drifted", lambda *_: False), (reading, "drifted", lambda *_: False)),
    ),
    Breakage("nobody_is_told", "notify takes everything for a duplicate.", ((notify, "handle", _heard_already),)),
)
