"""A whole delivery in memory under one seed: production handlers, virtual time, and everything that goes wrong."""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from unittest.mock import patch

from functions.health_verify import reading
from shared.errors import NewerRecord
from shared.rollout import codec
from shared.rollout.commands import Verb
from shared.rollout.names import Phase
from shared.rollout.record import Record
from shared.rollout.service import Service, TrafficTarget
from shared.rollout.traffic import percents, split
from shared.runtime.ledger_keys import ledger_prefix
from tests.simulation.answers import a_rollback_happens, no_tick_is_rejected, nobody_is_blinded
from tests.simulation.bus import Bus
from tests.simulation.deployment import CloudRun
from tests.simulation.endings import check_endings
from tests.simulation.faults import Fault, Faults
from tests.simulation.happenings import CHAOS_SECONDS, SERVICES, Happening, drawn
from tests.simulation.opinions import drawn_judge
from tests.simulation.parsing import verdicts_parsed_once
from tests.simulation.promised import Broken
from tests.simulation.promises import Promises
from tests.simulation.releases import Kind, Releases, image
from tests.simulation.script import Script
from tests.simulation.settings import PATIENT, QUICK, environment
from tests.simulation.surroundings import Ledger, Metrics, Prober, Publishing, Surroundings
from tests.simulation.timeline import Timeline
from tests.simulation.turns import Turn
from tests.simulation.versions import AtWork, Upgrade, Version, lost_news, versions_at_work

TICK_SECONDS = 60.0
IDLE_TICK_SECONDS, PEACEFUL_TICK_SECONDS = 120.0, 600.0
REST_SECONDS = {"drawn": 45 * 60.0, "real": 4 * 3600.0}
EXTENSIONS_MAX = 3  # halves of that again, for what is still on its way
LOOK_AGAIN_SECONDS = 600.0
TWICE_SHARE = 0.2
DAYS_LATER_SHARE = 0.5  # of the worlds: their dead letters are replayed three days after everything else
DAYS_SECONDS = 3 * 24 * 3600.0


@dataclass(frozen=True)
class Setup:
    """What to replay. only: the numbers of the happenings kept, None for all."""

    seed: int
    judge: str = "drawn"
    only: frozenset[int] | None = None
    without: frozenset[Fault] = frozenset()


class World:
    """Built from a `Setup`; `live` runs it to its end."""

    def __init__(self, setup: Setup) -> None:
        draw = Random(f"{setup.seed}/happenings")
        self.happenings: tuple[Happening, ...] = tuple(
            row for row in drawn(draw) if setup.only is None or row.number in setup.only
        )
        self._random = Random(f"{setup.seed}/chance")
        self._judge = setup.judge
        self.timeline = Timeline()
        self.releases = Releases()
        self.run = CloudRun(self.timeline, self._random, self.releases)
        self.ledger = Ledger()
        faults = Faults(Random(f"{setup.seed}/faults"), setup.without)
        self.environment = environment(QUICK if setup.judge == "drawn" else PATIENT)
        self.surroundings = Surroundings(
            timeline=self.timeline,
            random=self._random,
            faults=faults,
            environment=self.environment,
            services=self.run,
            messages=Publishing(),
            metrics=Metrics(self.timeline, self._random, self.run, faults),
            ledger=self.ledger,
            prober=Prober(self.run),
        )
        self._versions = Random(f"{setup.seed}/versions")
        self.upgrade = Upgrade.drawn(self._versions)
        if Fault.UPGRADE not in setup.without and self.upgrade.old is not self.upgrade.new:
            self.surroundings.version = self._version
            faults.seen[Fault.UPGRADE] = 1
        self.bus = Bus(self.surroundings)
        self.script = Script(self)
        self.promises = Promises(self.run)
        self.replayed_late = 0
        self._days_later = draw.random() < DAYS_LATER_SHARE
        self._ticking = True
        self._wire()

    def _wire(self) -> None:
        self.run.watch = self._written
        self.run.settled = lambda service, revision: self.bus.publish("revision-changes", _changed(service), {})
        self.bus.done = self._twice_equals_once
        self.bus.refused = no_tick_is_rejected
        for name in SERVICES:
            self.run.create(name, image(name, self.releases.make(Kind.GOOD)))
            self.promises.adopt(self.run.services[name])
        for happening in self.happenings:
            self.timeline.after(happening.at, lambda row=happening: self.script.perform(row))  # type: ignore[misc]
        self._tick()

    def live(self) -> None:
        """Chaos, then peace, then the end. Raises Broken, or whatever a handler raises that is our bug."""
        with versions_at_work(), verdicts_parsed_once(), self._judged(), contextlib.redirect_stdout(io.StringIO()):
            self.timeline.run(CHAOS_SECONDS)
            self._make_peace()
            rest = REST_SECONDS[self._judge]
            self.timeline.run(CHAOS_SECONDS + rest * 0.7)
            if self._days_later and self.bus.dead:
                self._let_days_pass()
                self.timeline.run(self.timeline.seconds + rest * 0.7)
            self.bus.replay()
            self.timeline.run(self.timeline.seconds + rest * 0.3)
            for _ in range(EXTENSIONS_MAX):
                if not self._moving():
                    break
                self.timeline.run(self.timeline.seconds + rest / 2)
            check_endings(self)

    def _let_days_pass(self) -> None:
        """The scheduler rests, and so does the computer; then somebody replays the dead letters."""
        self._ticking = False
        self.timeline.run(self.timeline.seconds + DAYS_SECONDS)
        self.replayed_late = self.bus.replay()
        self._ticking = True
        self._tick()

    def _moving(self) -> bool:
        """Whether some rollout is neither over nor held: one that had to wait for another's end began late."""
        return any(record.active and record.active.phase is not Phase.HELD for record in self._records())

    def _tick_seconds(self) -> float:
        """How far apart ticks are: most of those are spared that find nothing to do.

        Nothing may be on trial or to be told, nor a release wait for anything but a person.
        """
        if self.run.unreadable or any(_in_motion(record) for record in self._records()):
            return TICK_SECONDS
        return PEACEFUL_TICK_SECONDS if self.surroundings.faults.over else IDLE_TICK_SECONDS

    def _records(self) -> list[Record]:
        return [codec.decode(service.record) for service in self.run.services.values() if service.record]

    def at_rest(self, name: str) -> bool:
        """Whether the service has been deployed by us, nothing is on trial and nothing waits for a person."""
        text = self.run.services[name].record
        record = codec.decode(text) if text and name not in self.run.unreadable else None
        return record is not None and not (record.active or record.pin or record.frozen or record.edited)

    def put_back(self, name: str) -> None:
        """Somebody undoes the split made by hand."""
        service = self.run.services[name]
        if name in self.run.unreadable:
            return
        record = codec.decode(service.record) if service.record else None
        wanted = split(record, self.environment.services[name].strategy) if record else {None: 100}
        rows = [row for row in service.traffic if not row.percent]
        moved = [TrafficTarget(revision=revision, percent=percent) for revision, percent in wanted.items()]
        if percents(service.traffic) != wanted:
            self.run.edited(name, (*moved, *rows))

    def mend(self, name: str) -> None:
        """A person put the record right, and replays what was kept of messages that met it."""
        if name in self.run.unreadable:
            self.run.mended(name)
            self.bus.replay()

    def _make_peace(self) -> None:
        """Nothing fails any more, and people tidy up what they did."""
        self.surroundings.faults.over = True
        self.surroundings.down.clear()
        self.surroundings.metrics.failing.clear()
        self.surroundings.prober.silent.clear()
        for name in SERVICES:
            self.mend(name)
        if not self._days_later:
            self.bus.replay()
        for number, name in enumerate(SERVICES):
            self.script.order(Verb.UNFREEZE, name, f"peace{number}")
            self.put_back(name)
            # What they went by may have been an old copy, which is restored by then.
            self.timeline.after(LOOK_AGAIN_SECONDS, lambda name=name: self.put_back(name))  # type: ignore[misc]

    def _tick(self) -> None:
        if not self._ticking:
            return
        if self._judge == "real":
            self.surroundings.metrics.count()
        looked_at = self.timeline.seconds % self._tick_seconds() < TICK_SECONDS
        if looked_at and not self.surroundings.faults.strikes(Fault.DROPPED_TICK):
            self.bus.publish("rollout-ticks", b"{}", {"job": "rollout-ticks"})
        self.timeline.after(TICK_SECONDS, self._tick)

    def _version(self) -> Version:
        return self.upgrade.version(self.timeline.seconds, self._versions)

    def _written(self, before: Service, after: Service) -> None:
        with AtWork(None):
            self._checked(before, after)

    def _checked(self, before: Service, after: Service) -> None:
        if self.surroundings.acting is None:
            self.promises.overwritten(before, after, self._heard(after.name))
        else:
            change = self.promises.watch(self.surroundings.acting, before, after)
            lost = "" if change.restored or not before.record else lost_news(before.record, after.record)
            if lost:
                raise Broken("k", "An upgrade in mid-rollout loses nothing.", f"{change.turn.version} lost {lost}")

    def _heard(self, name: str) -> int:
        newest = self.ledger.newest(ledger_prefix(name), "").rpartition("/")[2].partition("-")[0]
        return int(newest or 0)

    def _twice_equals_once(self, turn: Turn, said: str) -> None:
        """(c) Any message twice equals once: delivered again at the same moment it changes nothing."""
        nobody_is_blinded(turn, said)
        a_rollback_happens(turn, said)
        share = 1.0 if turn.message.topic == "commands" else TWICE_SHARE
        if len(turn.seen) != 1 or self._random.random() > share:
            return
        ((name, seen),) = turn.seen.items()
        before = self.run.services[name]
        if name in self.run.unreadable:
            return
        if (before.record, before.traffic) != seen or not turn.undisturbed():
            return
        again = Turn(turn.function, turn.message, self.surroundings, frozen_at=turn.decided_at, version=turn.version)
        try:
            said_again = again.run()
        except NewerRecord:
            return  # a stale read showed it the record from before the newer version wrote
        after = self.run.services[name]
        self.promises.checked["c"] += 1
        if _essence(before) != _essence(after):
            raise Broken("c", "Any message twice equals once.", f"first: {said} then: {said_again}")

    @contextlib.contextmanager
    def _judged(self) -> Iterator[None]:
        if self._judge == "real":
            yield
            return
        with patch.object(reading, "judge", drawn_judge(self._random, self.run, self.surroundings.metrics)):
            yield


def _in_motion(record: Record) -> bool:
    return bool(record.active or record.outbox or (record.waiting and not record.pin))


def _changed(service: str) -> bytes:
    body = {"resource": {"type": "cloud_run_revision", "labels": {"service_name": service}}}
    return json.dumps(body).encode()


def _essence(service: Service) -> tuple[object, ...]:
    """What a message may change only once."""
    record = codec.decode(service.record) if service.record else Record(service=service.name)
    rollout = record.rollout and (record.rollout.id, record.rollout.phase, record.rollout.step)
    return service.traffic, service.latest_created, rollout, record.pin, record.known_bad, record.stable
