"""Any sequence of events, in any order and repeated, with older records put back, leaves a legal record."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import event as reached
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.codec import decode, encode
from shared.rollout.commands import Verb
from shared.rollout.facts import Gate
from shared.rollout.intake import Event
from shared.rollout.names import Phase
from shared.rollout.observations import TrafficEdited, TrafficRestored
from shared.rollout.record import Record
from shared.rollout.restoration import restore
from shared.rollout.service import RevisionState, TrafficTarget
from shared.rollout.strategy import OnNewer, Strategy
from shared.rollout.traffic import split, targets
from tests.rollout.cases import (
    IMAGE,
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    digest,
    incident,
    judged,
    probe,
    request,
    take,
    verdict,
)

pytestmark = pytest.mark.no_cover

EDITED = (TrafficTarget(revision="web-00000-old", percent=100),)
LETTERS = st.sampled_from("abcd")
LATE = st.integers(0, 5).map(lambda minutes: minutes * MINUTE)
GATES = st.sampled_from([Gate(), Gate(waits="no verified backup"), Gate(refuses="CVE-2026-1 is critical", pages=True)])


def check(record: Record, strategy: Strategy) -> None:
    """What every record keeps, whatever happened."""
    shares = split(record, strategy)
    assert sum(shares.values()) == 100
    assert all(share > 0 for share in shares.values())
    rows = targets(record, strategy, EDITED if record.edited else ())
    assert sum(row.percent for row in rows) == 100
    assert decode(encode(record)) == record
    assert len({item.key for item in record.outbox}) == len(record.outbox)
    rollout = record.active
    if rollout and rollout.phase is Phase.HELD:
        assert rollout.hold
    if rollout and rollout.effective_phase in (Phase.PREPARING, Phase.VERIFYING):
        assert shares == {record.stable or None: 100}
    if rollout and rollout.release.digest in {bad.digest for bad in record.known_bad}:
        assert rollout.release.digest == (record.stable_release.digest if record.stable_release else "")
    assert not record.is_known_bad("", record.stable)


class Deliveries(RuleBasedStateMachine):
    """One service's record under everything that can reach `decide`; the clock only goes on, messages may be late."""

    @initialize(known=st.booleans(), on_newer=st.sampled_from(OnNewer))
    def begin(self, known: bool, on_newer: OnNewer) -> None:
        self.record = STABLE if known else Record(service="web", stable="web-00001-hello", placeholder=True)
        self.strategy = replace(STRATEGY, on_newer=on_newer)
        self.now = NOW
        self.copies = [self.record]
        self.steps = 0

    def happens(self, event: Event, *, again_is_nothing: bool = True) -> None:
        """Decides it, and once more: a message that comes twice moves no traffic the second time."""
        self.now += timedelta(seconds=1)
        decision = take(self.record, event, self.now, self.strategy)
        assert (decision.record == self.record) == (decision.write is None)
        assert decision.reason
        if again_is_nothing:
            again = take(decision.record, event, self.now, self.strategy)
            assert split(again.record, self.strategy) == split(decision.record, self.strategy), again.reason
        self.keep(decision.record)

    def keep(self, record: Record) -> None:
        assert record.sequence in (self.record.sequence, self.record.sequence + 1)
        self.record = record
        self.copies.append(record)
        self.steps += 1
        if record.rollout:
            reached(record.rollout.phase)

    def read(self, late: timedelta, health: Health | None = None, **changes: object) -> None:
        self.happens(judged(self.record, self.now - late, health, **changes))

    @rule(minutes=st.integers(1, 500))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(letter=LETTERS, late=LATE, gate=GATES, frozen=st.sampled_from(["", "", "a weekend"]), affinity=st.booleans())
    def a_release_is_pushed(self, letter: str, late: timedelta, gate: Gate, frozen: str, affinity: bool) -> None:
        asked = replace(request(letter, self.now - late), gate=gate, frozen=frozen, session_affinity=affinity)
        self.happens(asked)

    @rule(health=st.sampled_from(Health), late=LATE)
    def it_is_judged(self, health: Health, late: timedelta) -> None:
        self.now += STRATEGY.step_bake_time
        self.read(late, health)

    @rule(late=LATE)
    def it_is_probed(self, late: timedelta) -> None:
        self.read(late)

    @rule(late=LATE)
    def both_fail(self, late: timedelta) -> None:
        self.read(late, verdict=verdict(Health.INCONCLUSIVE, shared_outage=True))

    @rule(state=st.sampled_from(RevisionState), late=LATE)
    def the_canary_changes(self, state: RevisionState, late: timedelta) -> None:
        self.read(late, canary_state=state, probes=())

    @rule(health=st.none() | st.sampled_from(Health))
    def a_probe_fails(self, health: Health | None) -> None:
        self.read(timedelta(), health, probes=(probe(ProbeOutcome.FAILED),))

    @rule(heavy=st.sampled_from([(), ("/ is too heavy",)]))
    def its_pages_are_measured(self, heavy: tuple[str, ...]) -> None:
        self.read(timedelta(), heavy=heavy, pages="/ is 139,802 bytes")

    @rule(health=st.sampled_from(Health))
    def no_way_back_is_left(self, health: Health) -> None:
        self.read(timedelta(), health, target="")

    @rule(health=st.sampled_from(Health))
    def the_environment_is_frozen(self, health: Health) -> None:
        self.read(timedelta(), health, frozen="a weekend")

    @rule(letter=LETTERS)
    def a_revision_appears(self, letter: str) -> None:
        name, image = f"web-{self.steps % 10 + 10:05}-cfg", f"{IMAGE}@{digest(letter)}"
        self.read(timedelta(), appeared=name, appeared_image=image)

    @rule(count=st.integers(0, 20))
    def the_ledger_has_news(self, count: int) -> None:
        self.read(timedelta(), announced=tuple(item.key for item in self.record.outbox[:count]))

    @rule(name=st.sampled_from(["0.a", "0.b"]), opened=st.booleans(), late=LATE)
    def an_incident_changes(self, name: str, opened: bool, late: timedelta) -> None:
        self.happens(incident(self.now - late, name, open=opened))

    @rule(verb=st.sampled_from(Verb), late=LATE, number=st.integers(0, 6))
    def a_person_commands(self, verb: Verb, late: timedelta, number: int) -> None:
        self.happens(command(verb, self.now - late, f"r{number}"))

    @rule()
    def a_person_moves_traffic(self) -> None:
        self.happens(TrafficEdited(service="web", at=self.now, traffic=EDITED))

    @rule()
    def a_person_moves_it_back(self) -> None:
        # The same fact again may follow a newer edit: it says what is, not what was.
        self.happens(TrafficRestored(service="web", at=self.now), again_is_nothing=False)

    @precondition(lambda self: len(self.copies) > 3)
    @rule(back=st.integers(1, 6), then=st.none() | st.sampled_from([Verb.ROLLBACK, Verb.ABORT, Verb.PAUSE]))
    def an_older_copy_is_put_back(self, back: int, then: Verb | None) -> None:
        """As `terraform apply` may; somebody may command the service before the newest record is restored."""
        found = self.copies[max(0, len(self.copies) - 1 - back)]
        if then:
            found = take(found, command(then, self.now, "on the old copy"), self.now, self.strategy).record
        if found.sequence >= self.record.sequence:
            return
        decision = restore(found, self.record, self.now)
        pinned = found.pin and found.pin.at == self.now
        self.keep(decision.record)
        if pinned and found.known_bad:
            assert self.record.pin, "a rollback on the older copy stays"

    @precondition(lambda self: _may_roll_back(self.record))
    @rule()
    def a_rollback_always_works(self) -> None:
        """Rule 8: legal in every phase that is not over, while there is a way back (rule 6)."""
        canary, before = self.record.active.canary if self.record.active else "", self.record
        self.happens(command(Verb.ROLLBACK, self.now, f"now {self.steps}"))
        assert self.record != before
        assert self.record.active is None
        assert canary not in split(self.record, self.strategy) or not canary

    @invariant()
    def the_record_is_legal(self) -> None:
        if hasattr(self, "record"):
            check(self.record, self.strategy)


def _may_roll_back(record: Record) -> bool:
    rollout = record.active
    return rollout is not None and bool(rollout.stable) and bool(record.target) and not rollout.irreversible


Deliveries.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestDeliveries = Deliveries.TestCase
