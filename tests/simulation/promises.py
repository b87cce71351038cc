"""What must hold whoever raced whom and wherever the process died, and what is remembered to tell.

A broken promise raises `Broken` with its letter.
"""

from collections import Counter

from shared.events import verdict as verdicts
from shared.rollout import codec
from shared.rollout.names import Phase
from shared.rollout.service import Service
from shared.rollout.traffic import percents
from tests.simulation.advancing import HUMAN
from tests.simulation.changes import Change, Ending, Past
from tests.simulation.checks import CHECKS
from tests.simulation.deployment import CloudRun
from tests.simulation.turns import Turn


class Promises:
    """Watches every write. checked: how often each promise was checked, by its letter."""

    def __init__(self, run: CloudRun) -> None:
        self.past: dict[str, Past] = {}
        self.checked: Counter[str] = Counter()
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
        for letter, checks in CHECKS.items():
            for check in checks:
                check(change, past, self._run)
            self.checked[letter] += 1
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
