"""What comes in, as the rules see it: other people's words clipped to what a record keeps."""

from dataclasses import replace

from shared.rollout.bounds import NAME_MAX, URL_MAX, WORDS_MAX, clipped
from shared.rollout.commands import Command
from shared.rollout.facts import DeployRequested, IncidentChanged
from shared.rollout.observations import Judged, TrafficEdited, TrafficRestored

Event = DeployRequested | Judged | IncidentChanged | Command | TrafficEdited | TrafficRestored
TAG_MAX = 128  # characters, Artifact Registry's own limit; a tag's end declares a migration


def bounded(event: Event) -> Event:
    """The event with everybody's words clipped. Names that Google bounds (revision, image) stay whole."""
    match event:
        case Command():
            return replace(
                event,
                by=clipped(event.by, NAME_MAX),
                why=clipped(event.why, WORDS_MAX),
                frozen=clipped(event.frozen, WORDS_MAX),
            )
        case IncidentChanged():
            return replace(
                event,
                policy=clipped(event.policy, NAME_MAX),
                summary=clipped(event.summary, WORDS_MAX),
                url=clipped(event.url, URL_MAX),
            )
        case DeployRequested():
            return replace(
                event,
                by=clipped(event.by, NAME_MAX),
                frozen=clipped(event.frozen, WORDS_MAX),
                gate=event.gate._replace(
                    waits=clipped(event.gate.waits, WORDS_MAX), refuses=clipped(event.gate.refuses, WORDS_MAX)
                ),
                release=replace(
                    event.release, commit=clipped(event.release.commit, NAME_MAX), tag=event.release.tag[-TAG_MAX:]
                ),
            )
        case Judged():
            return _bounded_reading(event)
        case _:
            return event


def _bounded_reading(fact: Judged) -> Judged:
    verdict = fact.verdict
    return fact._replace(
        canary_message=clipped(fact.canary_message, WORDS_MAX),
        frozen=clipped(fact.frozen, WORDS_MAX),
        gated=clipped(fact.gated, WORDS_MAX),
        heavy=tuple(clipped(said, WORDS_MAX) for said in fact.heavy),
        pages=clipped(fact.pages, WORDS_MAX),
        verdict=verdict and verdict._replace(reason=clipped(verdict.reason, WORDS_MAX)),
        probes=tuple(
            probe._replace(path=clipped(probe.path, NAME_MAX), reason=clipped(probe.reason, WORDS_MAX))
            for probe in fact.probes
        ),
    )
