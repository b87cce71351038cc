"""What must hold after every write, whoever raced whom and wherever the process died: promises (a) to (j).

Each check is one sentence of docs/explanation/failure_model.md. A broken one raises `Broken` with its letter.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.events import verdict as verdicts
from shared.rollout import codec
from shared.rollout.adoption import serving_revision
from shared.rollout.names import Phase
from shared.rollout.observations import Judged
from shared.rollout.record import Record
from shared.rollout.service import RevisionState, Service
from shared.rollout.traffic import drifted, percents
from tests.simulation.deployment import FOREIGN_TAG, CloudRun
from tests.simulation.turns import Turn

HUMAN = frozenset({"rollout_command"})
TAKEN_BACK = frozenset({Phase.ROLLED_BACK, Phase.FAILED, Phase.SUPERSEDED, Phase.ABORTED})


class Broken(Exception):
    """A promise does not hold. letter: of docs/explanation/failure_model.md."""

    def __init__(self, letter: str, promise: str, found: str) -> None:
        super().__init__(f"({letter}) {promise} Found: {found}")
        self.letter = letter


@dataclass(frozen=True)
class Change:
    """One write of one of our functions, as seen from outside."""

    turn: Turn
    found: Service
    service: Service
    before: Record | None
    after: Record
    shares_before: dict[str, int]
    shares: dict[str, int]
    judged: Judged | None

    @property
    def restored(self) -> bool:
        """The ledger's newest record was put back over an older one."""
        return self.after.sequence > (self.before.sequence if self.before else 0) + 1


@dataclass(frozen=True)
class Ending:
    """How a rollout ended, in which write. digest: "" when only the configuration was new."""

    phase: Phase
    sequence: int
    revision: str
    digest: str


@dataclass
class Past:
    """What happened to one service so far.

    ended: by rollout id; decided: the request time of the newest release decided on, by sequence; allowed: the highest
    share each rollout's canary was allowed; announced: text by key; destroyed: digests whose announcement somebody
    else's write took away unheard; committed: every key that was ever in a saved outbox.
    """

    proven: set[str] = field(default_factory=set)
    ended: dict[str, "Ending"] = field(default_factory=dict)
    decided: dict[int, datetime] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)
    announced: dict[str, str] = field(default_factory=dict)
    destroyed: set[str] = field(default_factory=set)
    committed: set[str] = field(default_factory=set)
    pinned: bool = False

    def rolled_back(self) -> list["Ending"]:
        return [ending for ending in self.ended.values() if ending.phase is Phase.ROLLED_BACK]


class Promises:
    """Watches every write. checked: how often each promise was checked."""

    def __init__(self, run: CloudRun) -> None:
        self.past: dict[str, Past] = {}
        self.checked = 0
        self._run = run

    def adopt(self, service: Service) -> None:
        """What serves before we come is what users are used to."""
        self.past[service.name] = Past(proven={service.latest_ready})

    def watch(self, turn: Turn, before: Service, after: Service) -> Change:
        """What the write changed. Raises Broken."""
        record = codec.decode(after.record)
        change = Change(
            turn=turn,
            service=after,
            before=codec.decode(before.record) if before.record else None,
            after=record,
            shares_before=self._shares(before),
            shares=self._shares(after),
            found=before,
            judged=verdicts.parse(turn.message) if turn.message.topic == "verdicts" else None,
        )
        past = self.past[after.name]
        if change.before is None and record.stable:
            past.proven.add(record.stable)  # adopted: users are on it
        for check in CHECKS:
            check(change, past, self._run)
            self.checked += 1
        _remember(change, past)
        return change

    def overwritten(self, before: Service, after: Service, heard: int) -> None:
        """Somebody else's write: what it destroys before the ledger heard of it, nobody can know any more.

        heard: the newest sequence in the ledger.
        """
        if not before.record or before.record == after.record:
            return
        past = self.past[after.name]
        kept = {item.key for item in codec.decode(after.record).outbox} if after.record else set()
        for item in codec.decode(before.record).outbox:
            if item.key not in kept:
                past.announced.pop(item.key, None)
                past.destroyed.add(item.details.get("digest", ""))
        past.pinned = bool(after.record and codec.decode(after.record).pin)
        past.decided = {sequence: at for sequence, at in past.decided.items() if sequence <= heard}
        past.ended = {name: ending for name, ending in past.ended.items() if ending.sequence <= heard}

    def _shares(self, service: Service) -> dict[str, int]:
        """Percent by revision, LATEST resolved."""
        shares: dict[str, int] = {}
        for revision, percent in (percents(service.traffic) or {None: 100}).items():
            name = revision or service.latest_ready
            shares[name] = shares.get(name, 0) + percent
        return shares


def _remember(change: Change, past: Past) -> None:
    record, rollout = change.after, change.after.rollout
    for item in record.outbox:
        past.announced.setdefault(item.key, item.text)
        past.committed.add(item.key)
    if change.restored:
        past.pinned = record.pin is not None
    elif record.pin is None and change.turn.function in HUMAN:
        past.pinned = False
    if record.decided_at:
        past.decided[record.sequence] = record.decided_at
    if rollout is None:
        return
    past.allowed[rollout.id] = max(past.allowed.get(rollout.id, 0), change.shares.get(rollout.canary, 0))
    if rollout.phase is Phase.PROMOTED:
        past.proven.add(rollout.canary)
    if not rollout.active and (rollout.id not in past.ended or past.ended[rollout.id].phase is not rollout.phase):
        config_only = rollout.stable_release and rollout.stable_release.digest == rollout.release.digest
        past.ended[rollout.id] = Ending(
            phase=rollout.phase,
            sequence=record.sequence,
            revision=rollout.canary,
            digest="" if config_only else rollout.release.digest,
        )
    before = change.before
    if rollout.phase is Phase.ROLLED_BACK and not (before and before.rollout and before.rollout.phase is rollout.phase):
        past.proven.discard(rollout.canary)
        past.pinned = past.pinned or not change.restored  # a restored record says itself whether it is pinned


def more_traffic_has_a_reason(change: Change, past: Past, run: CloudRun) -> None:
    """(a) No more traffic to a revision without recorded evidence or a named human."""
    if change.after.edited:
        return
    if change.before is None and not change.restored and change.shares != {serving_revision(change.found): 100}:
        found = f"{dict(change.found.serving)} became {change.shares}"
        raise Broken("a", "Taking a service into care leaves users where most of them are.", found)
    for revision, share in change.shares.items():
        if share <= change.shares_before.get(revision, 0) or revision in past.proven:
            continue
        rollout = change.after.rollout
        if rollout and revision == rollout.canary and _reason_for(change, past, rollout.id, share):
            continue
        raise Broken(
            "a",
            "No more traffic to a revision without recorded evidence or a named human.",
            f"{change.turn.function} gave {revision} {share} % instead of {change.shares_before.get(revision, 0)} %",
        )


def _reason_for(change: Change, past: Past, rollout_id: str, share: int) -> bool:
    if change.turn.function in HUMAN:
        return True
    if share <= past.allowed.get(rollout_id, 0):
        return True  # the share it had: the hand-made split, or the older record, is undone
    judged = change.judged
    if judged is None or judged.rollout_id != rollout_id or change.before is None or change.before.rollout is None:
        return False
    if change.before.rollout.first_traffic_at is None:
        return bool(judged.probes) and all(probe.outcome is ProbeOutcome.PASSED for probe in judged.probes)
    healthy = judged.verdict is not None and judged.verdict.health is Health.HEALTHY
    return healthy and judged.step == change.before.rollout.step


def one_rollout_at_a_time(change: Change, past: Past, run: CloudRun) -> None:
    """(b) At most one revision besides stable has traffic, and it is the active rollout's."""
    record = change.after
    if record.edited:
        return
    canary = record.active.canary if record.active else ""
    strangers = set(change.shares) - {record.stable or change.service.latest_ready, canary}
    if strangers:
        raise Broken("b", "At most one active rollout per service.", f"traffic on {sorted(strangers)} as well")


def a_pin_waits_for_a_person(change: Change, past: Past, run: CloudRun) -> None:
    """(f) A rollback pins the service: nothing starts until a person releases it."""
    before, rollout = change.before, change.after.active
    started = rollout and not (before and before.rollout and before.rollout.id == rollout.id)
    if started and past.pinned and not change.restored:
        raise Broken("f", "A rollback pins the service.", f"{change.turn.function} started a rollout all the same")


def alerts_are_about_this(change: Change, past: Past, run: CloudRun) -> None:
    """(e) An alert takes back only what met users before it opened, and only the revision it names."""
    before, after = change.before, change.after
    if change.turn.message.topic != "alerts" or before is None or before.rollout is None or after.rollout is None:
        return
    if change.restored or before.rollout.phase is after.rollout.phase or after.rollout.phase is not Phase.ROLLED_BACK:
        return
    incident = json.loads(change.turn.message.data)["incident"]
    met = before.rollout.first_traffic_at
    named = incident["resource"]["labels"].get("revision_name", before.rollout.canary)
    rolls_back = incident["policy_user_labels"].get("rollback") == "true"
    if not rolls_back or met is None or incident["started_at"] < int(met.timestamp()) or named != before.rollout.canary:
        raise Broken("e", "An alert acts only on what it can be about.", f"{incident} took {before.rollout.id} back")


def a_freeze_holds(change: Change, past: Past, run: CloudRun) -> None:
    """(a) Under a freeze no canary gets more traffic."""
    before, rollout = change.before, change.after.active
    if before is None or rollout is None or not before.frozen or change.restored or change.after.edited:
        return
    if before.active is None or before.active.id != rollout.id or before.edited:
        return
    if change.shares.get(rollout.canary, 0) > change.shares_before.get(rollout.canary, 0):
        raise Broken("a", "A freeze holds what is on trial.", f"{rollout.id} got {change.shares[rollout.canary]} %")


def hands_win(change: Change, past: Past, run: CloudRun) -> None:
    """(h) Traffic edited by hand is left alone until a person or a rollback says otherwise."""
    before = change.before
    if before is None or change.restored or change.turn.function in HUMAN or change.turn.message.topic == "commands":
        return
    strategy = change.turn.environment.services[change.service.name].strategy
    if not drifted(before, strategy, change.found.traffic) or change.shares == change.shares_before:
        return
    if change.after.rollout and change.after.rollout.phase is Phase.ROLLED_BACK:
        return
    raise Broken("h", "A person who edits traffic wins.", f"{change.shares_before} became {change.shares}")


def newer_decisions_stand(change: Change, past: Past, run: CloudRun) -> None:
    """(d) An older event never undoes a newer decision."""
    before, after = change.before, change.after
    if before and after.sequence <= before.sequence:
        raise Broken("d", "Every write is newer than the one before.", f"{before.sequence} became {after.sequence}")
    started = after.rollout and (before is None or before.rollout is None or before.rollout.id != after.rollout.id)
    if started and after.rollout and change.turn.function == "canary_deploy":
        asked = after.rollout.release.requested_at
        newest = max(past.decided.values(), default=asked)
        if asked < newest:
            raise Broken("d", "An older event never undoes a newer decision.", f"started {asked} after {newest}")
    if change.turn.message.topic == "commands" and before and before.rollout and not change.restored:
        overtaken = change.turn.message.published_at < before.rollout.started_at
        moved = change.shares != change.shares_before or (after.rollout and after.rollout.phase) != before.rollout.phase
        if overtaken and moved:
            raise Broken("d", "A command older than the rollout does not touch it.", change.turn.message.data.decode())


def ended_is_ended(change: Change, past: Past, run: CloudRun) -> None:
    """(e) Rollback wins every race: a rollout that was taken back never lives again."""
    before, rollout = change.before, change.after.rollout
    if rollout is None or rollout.id not in past.ended:
        return
    ended = past.ended[rollout.id].phase
    if ended not in TAKEN_BACK or rollout.phase in TAKEN_BACK:
        return
    if before and before.rollout and before.rollout.id == rollout.id and before.rollout.phase is not ended:
        return  # somebody else's write brought it back to life; the next tick restores the record
    raise Broken("e", "Rollback wins every race.", f"{rollout.id} was {ended} and is {rollout.phase}")


def bad_stays_out(change: Change, past: Past, run: CloudRun) -> None:
    """(f) After a rollback nothing gives that release more traffic, and nothing starts it again."""
    for ending in past.rolled_back():
        share = change.shares.get(ending.revision, 0)
        if share > change.shares_before.get(ending.revision, 0) and not change.after.edited:
            found = f"{change.turn.function} gave {ending.revision} {share} %"
            raise Broken("f", "After a rollback nothing re-promotes that release.", found)
        before, rollout = change.before, change.after.active
        started = rollout and not (before and before.rollout and before.rollout.id == rollout.id)
        if started and rollout and rollout.release.digest == ending.digest:
            raise Broken("f", "After a rollback nothing re-promotes that release.", f"{rollout.id} is {rollout.phase}")


def the_blind_do_not_act(change: Change, past: Past, run: CloudRun) -> None:
    """(g) Loss of metrics neither promotes nor rolls back."""
    judged = change.judged
    if judged is None or judged.verdict is None or judged.verdict.health is not Health.ERROR:
        return
    if change.restored or judged.canary_state in (RevisionState.FAILED, RevisionState.MISSING):
        return
    before, after = change.before, change.after
    phases = tuple(row.rollout.effective_phase if row and row.rollout else None for row in (before, after))
    if before and before.rollout and after.rollout and before.rollout.id != after.rollout.id:
        return  # a revision that appeared has superseded it
    if change.shares != change.shares_before or phases[0] is not phases[1]:
        raise Broken("g", "Loss of metrics neither promotes nor rolls back.", f"{phases[0]} became {phases[1]}")


def traffic_is_whole(change: Change, past: Past, run: CloudRun) -> None:
    """(h) Percents sum to 100 on existing, ready revisions, and nobody else's tags are lost."""
    if sum(change.shares.values()) != 100:
        raise Broken("h", "Percents always sum to 100.", str(change.shares))
    if change.after.edited:
        return
    if change.after.stable and any(row.percent and row.revision is None for row in change.service.traffic):
        raise Broken("h", "Percents are pinned to revisions by name.", str(change.service.traffic))
    for revision, share in change.shares.items():
        known = run.revisions.get(revision)
        if known is None or known.state is not RevisionState.READY:
            raise Broken("h", "Traffic goes to ready revisions only.", f"{revision} has {share} %")
    tags = {row.tag for row in change.service.traffic if row.tag}
    if FOREIGN_TAG not in tags:
        raise Broken("h", "Tags of others survive every change.", f"only {sorted(tags)} are left")


Check = Callable[[Change, Past, CloudRun], None]
CHECKS: tuple[Check, ...] = (
    more_traffic_has_a_reason,
    one_rollout_at_a_time,
    a_pin_waits_for_a_person,
    alerts_are_about_this,
    a_freeze_holds,
    hands_win,
    newer_decisions_stand,
    ended_is_ended,
    bad_stays_out,
    the_blind_do_not_act,
    traffic_is_whole,
)
