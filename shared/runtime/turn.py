"""The one turn every function that writes takes: load → decide → save → perform.

Losing the etag race is normal: read again and decide again. What is performed after the save is also in the record
(the outbox, the waiting release), so a crash in between costs a repeat and never a loss.
"""

from dataclasses import replace
from datetime import datetime

from shared.config.environment import ManagedService
from shared.errors import Conflict, InvalidRecord, NotFound, Unavailable
from shared.events import announcement as announcements
from shared.events import deploy_request
from shared.events.topics import DEPLOY_REQUESTS, ROLLOUT_EVENTS
from shared.rollout import codec
from shared.rollout.adoption import adopt, serving_revision
from shared.rollout.decide import decide
from shared.rollout.decision import Decision, Effect, Publish, RequestDeploy, Start
from shared.rollout.facts import DeployRequested
from shared.rollout.intake import Event
from shared.rollout.observations import Judged, TrafficEdited, TrafficRestored
from shared.rollout.record import Record
from shared.rollout.restoration import restore
from shared.rollout.service import Service
from shared.rollout.traffic import drifted, targets
from shared.runtime.cloud import Cloud
from shared.runtime.ledger_keys import newest_sequence
from shared.runtime.lost_records import newer_record

ATTEMPTS = 8  # lost etag races before the message goes back to Pub/Sub; each costs one read


def take_turn(cloud: Cloud, event: Event, *, adopting: bool = False) -> str:
    """What was decided and why, "rule: sentence". adopting: a service without a record is taken into care.

    The service must be one of the environment's. Raises Conflict after too many lost races, Unavailable when an API is
    down or the service does not exist, InvalidRecord when the record on it cannot be read.
    """
    managed = cloud.environment.services[event.service]
    for _ in range(ATTEMPTS):
        service = _get(cloud, event.service)
        record = _record(service)
        decision = _decide(cloud, record, service, event, managed) if record else None
        newer = _newer_record(cloud, record, event, decision)
        if newer:
            decision = restore(record or Record(service=service.name), newer, cloud.clock.now())
        elif decision is None and adopting:
            decision = _decide(cloud, _adopt(cloud, service, managed), service, event, managed)
        elif decision is None:
            return f"no_record: {event.service} was never deployed by us; its first deploy takes it into care."
        try:
            _save(cloud, service, decision, managed)
        except Conflict:
            continue
        _perform(cloud, decision)
        if newer and not (isinstance(event, Judged) and event.newer_sequence):
            continue  # decided on the restored record; only a reading of the older one has nothing more to say
        return f"{decision.rule}: {decision.reason}"
    raise Conflict(f"{event.service} changed under {ATTEMPTS} attempts in a row")


def _get(cloud: Cloud, name: str) -> Service:
    try:
        return cloud.services.get(name)
    except NotFound as error:
        raise Unavailable(f"the service {name} does not exist (yet)") from error


def _record(service: Service) -> Record | None:
    """What is known of the service, or None. Raises InvalidRecord.

    A command or a push then ends on rejected-events at once, which pages, instead of being tried for minutes until it
    is a dead letter: only a person can mend a record, the sender must know now, and what was kept can be replayed.
    """
    if not service.record:
        return None
    try:
        return codec.decode(service.record)
    except InvalidRecord as error:
        raise InvalidRecord(f"the record on {service.name} cannot be read: {error}") from error


def _newer_record(cloud: Cloud, record: Record | None, event: Event, decision: Decision | None) -> Record | None:
    """The record to restore first, when the one on the service is an old copy and the decision would build on it.

    A rollback never asks: it acts on what it finds, with one read and one write, and `restore` keeps what it did.
    """
    sequence = record.sequence if record else 0
    if decision is not None:
        hinted = isinstance(event, Judged) and (event.sequence > sequence or event.newer_sequence >= sequence)
        asks = decision.write is not None or hinted or isinstance(event, DeployRequested)
        if decision.takes_back or not asks:
            return None
    return newer_record(cloud, event.service, record)


def _adopt(cloud: Cloud, service: Service, managed: ManagedService) -> Record:
    name = serving_revision(service)
    serving = cloud.services.get_revision(service.name, name) if name else None
    record = adopt(service, serving, managed.image, cloud.clock.now())
    # A service made anew under an old name must not look like one whose record went back in time.
    return replace(record, sequence=newest_sequence(cloud, service.name, since=0))


def _decide(cloud: Cloud, record: Record, service: Service, event: Event, managed: ManagedService) -> Decision:
    """A split made by hand is a fact of its own, decided before the event that found it; its end after what ends it."""
    now, strategy = cloud.clock.now(), managed.strategy
    if isinstance(event, DeployRequested):
        event = replace(event, session_affinity=service.session_affinity)
    found = _traffic_fact(record, service, now, managed) if service.record else None
    first = decide(record, found, now, strategy) if found else None
    decision = decide(first.record if first else record, event, now, strategy)
    effects = decision.effects
    if decision.record.edited and not drifted(decision.record, strategy, service.traffic):
        # What was left alone is what the record asks for by now.
        last = decide(decision.record, TrafficRestored(service=service.name, at=now), now, strategy)
        decision, effects = replace(decision, record=last.record), (*effects, *_news(last))
    if first:
        effects = (*effects, *(first.effects if decision.write is None else _news(first)))
    return replace(decision, effects=effects)


def _news(decision: Decision) -> tuple[Effect, ...]:
    return tuple(effect for effect in decision.effects if isinstance(effect, Publish))


def _traffic_fact(
    record: Record, service: Service, now: datetime, managed: ManagedService
) -> TrafficEdited | TrafficRestored | None:
    if drifted(record, managed.strategy, service.traffic):
        return TrafficEdited(service=service.name, at=now, traffic=service.traffic)
    return TrafficRestored(service=service.name, at=now) if record.edited else None


def _save(cloud: Cloud, service: Service, decision: Decision, managed: ManagedService) -> None:
    write = decision.write
    if write is None:
        return
    text = codec.encode(decision.record)
    traffic = targets(decision.record, managed.strategy, service.traffic)
    if isinstance(write, Start):
        cloud.services.start(service, record=text, image=write.image, rollout_id=write.rollout_id, traffic=traffic)
    else:
        cloud.services.move(service, record=text, traffic=traffic)


def _perform(cloud: Cloud, decision: Decision) -> None:
    carried = ""
    for effect in decision.effects:
        if isinstance(effect, Publish):
            carried = carried or codec.encode(replace(decision.record, outbox=()))
            data, attributes = announcements.encode(effect.announcement, record=carried)
            cloud.messages.publish(ROLLOUT_EVENTS, data, attributes)
        elif isinstance(effect, RequestDeploy):
            data, attributes = deploy_request.encode(effect.request)
            cloud.messages.publish(DEPLOY_REQUESTS, data, attributes)
