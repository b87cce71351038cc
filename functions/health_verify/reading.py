"""One reading of one service: what runs, whether it answers, what the metrics say, where one could go back to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import NamedTuple

from shared.analysis.evidence import History, Probe, ProbeOutcome
from shared.analysis.judge import judge
from shared.analysis.proof import Risk
from shared.analysis.question import Question
from shared.analysis.verdict import Health, Verdict
from shared.config.environment import ManagedService
from shared.errors import Unavailable
from shared.rollout import codec
from shared.rollout.names import Phase
from shared.rollout.observations import Judged
from shared.rollout.record import Record, Rollout
from shared.rollout.service import Revision, RevisionState, Service
from shared.rollout.strategy import Strategy
from shared.rollout.traffic import CANARY_TAG, OUR_TAGS, drifted, steps_of
from shared.runtime.cloud import Cloud
from shared.runtime.ledger_keys import ledger_key, newest_sequence
from shared.runtime.lost_records import newer_record
from shared.runtime.release_gate import gate_of

from .pages import read_pages

HISTORY = timedelta(hours=6)  # of stable before the rollout began: what is normal, rare bursts of errors included
RECENT = timedelta(minutes=30)  # for the first share
_KEPT_EVERY_MINUTES = 10
_CONTROL_PROBES = 5  # of stable in a tick at 100 %; three failed ones of five ticks' show that it fails as well
_ON_TRIAL = frozenset({Phase.PROGRESSING, Phase.BAKING})


class Reading(NamedTuple):
    """What was found, and the question behind its verdict, if one was asked."""

    judged: Judged
    question: Question | None

    @property
    def worth_keeping(self) -> bool:
        """What moves traffic, and otherwise what there is every ten minutes."""
        judged, question = self
        if judged.verdict is None or question is None:
            return False
        moves = {Health.UNHEALTHY} if question.share == 100 else {Health.HEALTHY, Health.UNHEALTHY}
        return judged.verdict.health in moves or judged.at.minute % _KEPT_EVERY_MINUTES == 0


def read_service(cloud: Cloud, service: Service) -> Reading | None:
    """None when the service has nothing to do.

    Where the ledger knows a newer record than the service carries, nothing else is read: it must be restored first.
    """
    name, managed = service.name, cloud.environment.services[service.name]
    record = codec.decode(service.record) if service.record else Record(service=name)
    judged = Judged(
        service=name,
        at=cloud.clock.now(),
        sequence=record.sequence,
        target=record.target,
        standby=record.standby,
        session_affinity=service.session_affinity,
    )
    if newer_record(cloud, name, record):
        return Reading(judged._replace(newer_sequence=newest_sequence(cloud, name, record.sequence)), None)
    if not service.record:
        return None
    rollout = record.active
    asked = _ask_metrics(cloud, name, rollout, judged.at)
    judged = _read_ledger(cloud, record, managed, judged)
    judged = _read_target(cloud, service, record, managed, judged)
    judged, question = _read_newcomer(cloud, service, record, judged), None
    if rollout:
        judged, question = _read_canary(cloud, service, rollout, managed, judged, asked)
    return Reading(judged, question) if _has_work(judged, record, service, managed.strategy) else None


def _ask_metrics(cloud: Cloud, service: str, rollout: Rollout | None, now: datetime) -> Callable[[], History] | None:
    """Before all else, for they take longest. None while nothing is judged."""
    if rollout is None or rollout.effective_phase not in _ON_TRIAL:
        return None
    return cloud.metrics.ask(service, rollout.started_at - HISTORY, now)


def _has_work(judged: Judged, record: Record, service: Service, strategy: Strategy) -> bool:
    return bool(
        record.active
        or record.outbox
        or record.waiting
        or record.edited
        or judged.appeared
        or (judged.target, judged.standby) != (record.target, record.standby)
        or drifted(record, strategy, service.traffic)
    )


def _read_ledger(cloud: Cloud, record: Record, managed: ManagedService, judged: Judged) -> Judged:
    keys = {ledger_key(item.key): item.key for item in record.outbox}
    announced = tuple(keys[key] for key in sorted(cloud.ledger.existing(keys))) if keys else ()
    frozen = cloud.ledger.freeze() if record.active or record.waiting else ""
    gated = gate_of(cloud, managed, record.waiting).waits if record.waiting else ""
    return judged._replace(announced=announced, frozen=frozen, gated=gated)


def _read_target(cloud: Cloud, service: Service, record: Record, managed: ManagedService, judged: Judged) -> Judged:
    """The best revision to go back to that is ready and answers, and who stands by.

    Asked while a release may still be taken back. One without an address is no target: ready is not yet good.
    """
    rollout = record.rollout
    if rollout is None or not (rollout.active or rollout.phase is Phase.PROMOTED):
        return judged
    if not rollout.active and judged.at > rollout.phase_since + managed.strategy.action_window:
        return judged
    target, silent = "", set[str]()
    for name in record.return_candidates():
        uri = _address(service, name)
        if uri and _answers(cloud, service, name, uri, managed):
            target = name
            break
        silent |= {name} if uri else set()
    return judged._replace(target=target, standby=_standby(cloud, service, record, target, silent))


def _address(service: Service, revision: str) -> str:
    """Where to ask the revision alone, "" while no tag of ours leads to it: nobody knows then whether it answers.

    What the traffic block asks for may not be routed yet: until then the address is another revision's.
    """
    tags = (tag for tag, name in service.tagged.items() if name == revision and tag in OUR_TAGS)
    return next((uri for tag in tags if (uri := service.tag_uris.get(tag))), "")


def _answers(cloud: Cloud, service: Service, revision: str, uri: str, managed: ManagedService) -> bool:
    return (
        _ready(cloud, service, revision)
        and _probe(cloud, managed, uri, revision, managed.probe_paths[0]).outcome is ProbeOutcome.PASSED
    )


def _ready(cloud: Cloud, service: Service, revision: str) -> bool:
    return cloud.services.get_revision(service.name, revision).state is RevisionState.READY


def _standby(cloud: Cloud, service: Service, record: Record, target: str, silent: set[str]) -> str:
    """The revision to tag beside the target. When the one that stood by is asked in vain, the next has its turn."""
    names = [name for name in record.return_candidates() if name not in (target, record.stable)]
    first = names.index(record.standby) if record.standby in names else 0
    in_turn = sorted(names[first:] + names[:first], key=lambda name: name in silent)
    return next((name for name in in_turn if _ready(cloud, service, name)), "")


def _read_newcomer(cloud: Cloud, service: Service, record: Record, judged: Judged) -> Judged:
    """A revision that nobody announced: not one we know, and not the canary Cloud Run is still making."""
    name, rollout = service.latest_created, record.rollout
    if not name or record.knows(name) or record.refuses(name):
        return judged
    if rollout and not rollout.canary and service.rollout_id == rollout.id:
        return judged
    revision = cloud.services.get_revision(service.name, name)
    if revision.state is not RevisionState.READY:
        return judged
    frozen = judged.frozen or cloud.ledger.freeze()
    return judged._replace(appeared=name, appeared_image=revision.image, frozen=frozen)


def _read_canary(
    cloud: Cloud,
    service: Service,
    rollout: Rollout,
    managed: ManagedService,
    judged: Judged,
    asked: Callable[[], History] | None,
) -> Reading:
    """asked: for what the metrics say of one that is on trial."""
    judged = judged._replace(rollout_id=rollout.id, step=rollout.step)
    revision = _canary_revision(cloud, service, rollout)
    if revision is None:
        return Reading(judged, None)
    judged = judged._replace(canary=revision.name, canary_state=revision.state, canary_message=revision.message)
    if revision.state is not RevisionState.READY:
        return Reading(judged, None)
    led = service.tagged.get(CANARY_TAG, "")
    uri = service.tag_uris.get(CANARY_TAG, "") if led == revision.name else ""
    if not uri:
        unasked = f"The tag {CANARY_TAG} leads to {led or 'no revision'}: nobody could ask {revision.name}."
        judged = judged._replace(canary_message=unasked)
    probes = tuple(_probe(cloud, managed, uri, revision.name, path) for path in managed.probe_paths if uri)
    judged = judged._replace(probes=probes)
    if asked is None:
        if not uri:
            return Reading(judged, None)
        known = _traffic(cloud, service.name, managed.strategy, judged.at)
        judged = judged._replace(requests_per_minute=known)
        return Reading(judged if rollout.hold else read_pages(cloud, service, managed, judged), None)
    if rollout.effective_phase is Phase.BAKING:
        _ask_stable(cloud, service, rollout, managed)
    try:
        history = asked()
    except Unavailable as error:
        unknown = Verdict(health=Health.ERROR, reason=f"Cloud Monitoring does not answer: {error}")
        return Reading(judged._replace(verdict=unknown), None)
    question = _question(history, rollout, managed.strategy, probes)
    return Reading(judged._replace(verdict=judge(question)), question)


def _probe(cloud: Cloud, managed: ManagedService, uri: str, revision: str, path: str) -> Probe:
    return cloud.prober.probe(uri, revision, path, managed.probe_expects.get(path))


def _ask_stable(cloud: Cloud, service: Service, rollout: Rollout, managed: ManagedService) -> None:
    """At 100 % stable's only requests are ours. The metrics show them beside the canary's: they are the control."""
    uri = _address(service, rollout.stable)
    if not uri:
        return
    for path in islice(cycle(managed.probe_paths), _CONTROL_PROBES):
        if not _probe(cloud, managed, uri, rollout.stable, path).status:
            return  # no answer within its time: the tick has no more of it


def _traffic(cloud: Cloud, service: str, strategy: Strategy, now: datetime) -> float:
    """The service's requests per minute of late; 0 when nobody can say, or nobody needs to know."""
    if not strategy.first_share_by_traffic:
        return 0.0
    try:
        history = cloud.metrics.ask(service, now - RECENT, now)()
    except Unavailable:
        return 0.0
    requests = sum(
        sum(sample.requests_by_class.values())
        for samples in history.samples.values()
        for sample in samples
        if sample.end > now - RECENT
    )
    minutes = (history.settled_until - (now - RECENT)).total_seconds() / 60
    return requests / minutes if minutes > 0 else 0.0


def _canary_revision(cloud: Cloud, service: Service, rollout: Rollout) -> Revision | None:
    if rollout.canary:
        return cloud.services.get_revision(service.name, rollout.canary)
    if service.rollout_id != rollout.id or not service.latest_created:
        return None
    revision = cloud.services.get_revision(service.name, service.latest_created)
    return revision if revision.rollout_id == rollout.id else None


def _question(history: History, rollout: Rollout, strategy: Strategy, probes: tuple[Probe, ...]) -> Question:
    assert rollout.first_traffic_at is not None
    shares = (*steps_of(rollout, strategy), 100)
    return Question(
        history=history,
        canary=rollout.canary,
        stable=rollout.stable,
        rollout_started=rollout.first_traffic_at,
        step_started=rollout.phase_since,
        share=100 if rollout.step is None else shares[rollout.step],
        next_share=100 if rollout.step is None else shares[rollout.step + 1],
        risk=Risk(
            false_rollback_risk=strategy.false_rollback_risk,
            missed_harm_risk=strategy.missed_harm_risk,
            harm_points_max=strategy.harm_points_max,
            latency_points_max=strategy.latency_points_max,
            latency_ms_min=strategy.latency_ms_min,
            proof_time=strategy.proof_time,
        ),
        probes=probes,
    )
