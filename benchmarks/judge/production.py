"""The judge as it runs: every look asks `judge` anew, `decide` moves, and our own probes are in the metrics."""

from dataclasses import replace
from datetime import timedelta
from zlib import crc32

import numpy as np

from benchmarks.judge.ours import MINUTE, STARTED, risk_of
from benchmarks.judge.rollout import Action, Look, Seen
from benchmarks.judge.scenarios import Scenario
from benchmarks.judge.traffic import Minute
from shared.analysis.evidence import History, Probe, ProbeOutcome, Sample
from shared.analysis.judge import judge
from shared.analysis.question import Question
from shared.analysis.verdict import Health, Verdict
from shared.rollout.decide import decide
from shared.rollout.names import Phase, Release
from shared.rollout.observations import Judged
from shared.rollout.record import Record, Rollout
from shared.rollout.service import RevisionState
from shared.rollout.strategy import Strategy

STRATEGY = Strategy()
_RELEASE = Release(image="registry/chat", digest="sha256:" + "0" * 64, requested_at=STARTED)
_LATE = 3  # looks
_DARK = Verdict(health=Health.ERROR, reason="Cloud Monitoring does not answer.")


class Production:
    """One probe of each revision a minute; they fail as often as users' requests do, and are in the metrics."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario, self._dice = scenario, np.random.default_rng(crc32(repr(scenario).encode()))
        self.shares = (*STRATEGY.steps_for(60 * scenario.rate), 100)
        self._samples: dict[str, dict[int, Sample]] = {"canary": {}, "stable": {}}
        # From which look on a minute is seen as a whole, which one, and what it is then.
        self._whole: list[tuple[int, int, Sample]] = []
        self._settled = 0
        self.record = Record(
            service="chat",
            stable="stable",
            target="stable",
            rollout=Rollout(
                id="r",
                release=_RELEASE,
                phase=Phase.PROGRESSING,
                started_at=STARTED,
                phase_since=STARTED,
                first_traffic_at=STARTED,
                stable="stable",
                canary="canary",
                step=0,
                steps=self.shares[:-1],
            ),
        )

    def before(self, minutes: list[Minute]) -> None:
        for at, minute in enumerate(minutes, start=-len(minutes)):
            self._keep("stable", at, _sample(at, minute.stable, minute.stable_bad, minute))

    def see(self, seen: Seen) -> None:
        at, _, minute = seen
        for due, earlier, sample in self._whole:
            if due <= at:
                self._keep("canary", earlier, sample)
        self._whole = [row for row in self._whole if row[0] > at]
        probe = self._fails("canary", at)
        canary = _sample(at, minute.canary + 1, minute.canary_bad + probe, minute, canary=True)
        failed = canary.requests_by_class["5xx"]
        if failed and self._dice.random() < self._scenario.partial:
            self._whole.append((at + 1, at, canary))
            canary = canary._replace(requests_by_class={"5xx": failed})
        if self._scenario.late and self._dice.random() < self._scenario.late:
            self._whole.append((at + _LATE, at, canary))
        else:
            self._keep("canary", at, canary)
        asked, bad = minute.stable + minute.control, minute.stable_bad + minute.control_bad
        self._keep("stable", at, _sample(at, asked + 1, bad + self._fails("stable", at), minute))
        self._settled = at + 1

    def decide(self, look: Look) -> Action:
        now, rollout = STARTED + look.now * MINUTE, self.record.rollout
        assert rollout is not None
        probes = tuple(_probe(name, self._fails(name, look.now)) for name in ("canary", "stable"))
        fact = Judged(
            service="chat",
            at=now,
            sequence=self.record.sequence,
            rollout_id=rollout.id,
            step=rollout.step,
            canary="canary",
            canary_state=RevisionState.READY,
            probes=probes[:1],
            verdict=self._verdict(look, rollout, probes[:1]),
            target="stable" if probes[1].outcome is ProbeOutcome.PASSED else "",
        )
        self.record = replace(decide(self.record, fact, now, STRATEGY).record, outbox=())
        moved = self.record.rollout
        assert moved is not None
        if moved.phase is Phase.ROLLED_BACK:
            return Action.ROLL_BACK
        if moved.phase is Phase.PROMOTED or moved.step != rollout.step:
            return Action.ADVANCE
        return Action.WAIT

    def _verdict(self, look: Look, rollout: Rollout, probes: tuple[Probe, ...]) -> Verdict:
        dark = self._scenario.dark
        if dark and dark[0] <= look.now < dark[1]:
            return _DARK
        history = History(
            sample_period=MINUTE,
            ingest_delay=timedelta(minutes=self._scenario.delay),
            settled_until=STARTED + self._settled * MINUTE,
            samples={name: self._delivered(list(rows.values())) for name, rows in self._samples.items()},
        )
        return judge(
            Question(
                history=history,
                canary="canary",
                stable="stable",
                rollout_started=STARTED,
                step_started=rollout.phase_since,
                share=self.shares[look.step],
                next_share=self.shares[min(look.step + 1, len(self.shares) - 1)],
                risk=risk_of(STRATEGY),
                probes=probes,
            )
        )

    def _delivered(self, rows: list[Sample]) -> tuple[Sample, ...]:
        if not self._scenario.repeated:
            return tuple(rows)
        again = [rows[at] for at in self._dice.permutation(len(rows))]
        return (*again, *again[: len(again) // 2])

    def _keep(self, revision: str, at: int, sample: Sample) -> None:
        if sum(sample.requests_by_class.values()):
            self._samples[revision][at] = sample

    def _fails(self, revision: str, at: int) -> bool:
        s = self._scenario
        rate = s.outage[2] if s.outage and s.outage[0] <= at < s.outage[1] else s.baseline
        rate += s.added if revision == "canary" and at >= s.onset else 0.0
        return bool(self._dice.random() < rate)


def _probe(revision: str, failed: bool) -> Probe:
    outcome = ProbeOutcome.FAILED if failed else ProbeOutcome.PASSED
    return Probe(revision=revision, path="/", outcome=outcome, reason="", status=503 if failed else 200)


def _sample(at: int, requests: int, bad: int, minute: Minute, *, canary: bool = False) -> Sample:
    return Sample(
        end=STARTED + (at + 1) * MINUTE,
        requests_by_class={"2xx": requests - bad, "5xx": bad},
        latency=minute.latency if canary else minute.stable_latency,
    )
