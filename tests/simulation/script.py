"""What each happening does to the world: people, clouds and other tools at work."""

import json
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from shared.errors import Unavailable
from shared.rollout.commands import Verb
from shared.rollout.orders import NOTICED_WITHIN
from shared.rollout.service import TrafficTarget
from shared.rollout.traffic import CANARY_TAG
from tests.simulation.assets import uploaded
from tests.simulation.releases import Kind, image
from tests.simulation.turns import Denied

if TYPE_CHECKING:
    from tests.simulation.world import World

from tests.simulation.happenings import BUILT, CHAOS_SECONDS, SERVICES, Happening

FAILED_BUILDS = 0.15
PORTS = ("services", "messages", "metrics", "metrics", "ledger")
CORRUPT = ("{", '{"schema":9,"service":"web"}', '{"schema":1,"service":7}', "\x00")
FREEZING_SECONDS = 15.0  # from asking for a freeze to changing what it is for
APPLYING_SECONDS = 120.0  # at least
WAITING_SECONDS = 45.0
PATIENCE_SECONDS = 12 * 60.0  # after which nobody waits any more for a service to come to rest
KINDS = (Kind.GOOD, Kind.GOOD, Kind.GOOD, Kind.BAD, Kind.BAD, Kind.SLOW, Kind.MIXED, *list(Kind)[4:])


class Script:
    """Carries happenings out. pushed: every digest by service in the order of the pushes."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.failed_builds: list[str] = []
        self.pushed: dict[str, list[str]] = {name: [] for name in SERVICES}

    def perform(self, happening: Happening) -> None:
        getattr(self, f"_{happening.what}")(happening)

    def _push(self, happening: Happening) -> None:
        kind = KINDS[int(happening.detail * len(KINDS))]
        if happening.service == BUILT and happening.seconds % 1 < FAILED_BUILDS:
            self._build(f"b{happening.number}", "FAILURE")
            self.failed_builds.append(f"b{happening.number}-FAILURE")
            return
        digest = self._world.releases.make(kind)
        if self._world.environment.services[happening.service].assets_bucket:
            chance = Random(happening.detail)
            uploaded(self._world.surroundings.objects, digest, chance, self._world.timeline.after)
        self.pushed[happening.service].append(digest)
        self._announce_push(happening.service, digest, f"v{happening.number}")

    def _push_again(self, happening: Happening) -> None:
        earlier = self.pushed[happening.service]
        if earlier:
            digest = earlier[int(happening.detail * len(earlier))]
            earlier.append(digest)
            self._announce_push(happening.service, digest, f"again{happening.number}")

    def _announce_push(self, service: str, digest: str, tag: str) -> None:
        """As Artifact Registry does: one message for the digest alone, one for the tag."""
        reference = image(service, digest)
        self._publish("gcr", {"action": "INSERT", "digest": reference})
        self._publish("gcr", {"action": "INSERT", "digest": reference, "tag": f"{image(service)}:{tag}"})
        if service == BUILT:
            pushed = {"name": f"{image(service)}:{tag}", "digest": digest}
            self._build(f"b-{tag}", "SUCCESS", {"results": {"images": [pushed]}})

    def _build(self, build: str, status: str, more: dict[str, Any] | None = None) -> None:
        """As Cloud Build tells it: each change of status, and the last one once more."""
        ended = {"finishTime": self._world.timeline.now.isoformat(), **(more or {})}
        for said, body in (("QUEUED", {}), ("WORKING", {}), (status, ended), (status, ended)):
            self._publish("cloud-builds", {"id": build, "status": said, **body})

    def _command(self, happening: Happening) -> None:
        verb = list(Verb)[int(happening.detail * len(Verb))]
        self.order(verb, happening.service, f"r{happening.number}")

    def _opposites(self, happening: Happening) -> None:
        """Somebody rolls back, and somebody else pauses or resumes before that has arrived."""
        self.order(Verb.ROLLBACK, happening.service, f"r{happening.number}")
        other = Verb.PAUSE if happening.detail < 0.5 else Verb.RESUME
        name, request = happening.service, f"r{happening.number}o"
        self._world.timeline.after(happening.detail, lambda: self.order(other, name, request, "kofi"))

    def order(self, verb: Verb, service: str, request_id: str, by: str = "amina", delay: float | None = None) -> None:
        """delay: seconds until its first delivery, as Pub/Sub likes when None."""
        body = {"command": verb, "service": service, "by": by, "why": "because", "request_id": request_id}
        attributes = {"command": verb, "service": service}
        self._world.bus.publish("commands", json.dumps(body).encode(), attributes, delay)

    def _freeze(self, happening: Happening) -> None:
        """The whole environment, for a while."""
        holder = ("amina", "kofi", "a window")[happening.number % 3]
        self.order(Verb.FREEZE, "*", f"r{happening.number}", holder)
        self._later(happening, lambda: self.order(Verb.UNFREEZE, "*", f"r{happening.number}u", holder))

    def _alert(self, happening: Happening) -> None:
        service = self._world.run.services[happening.service]
        labels = {"service_name": happening.service, "project_id": "demo", "location": "africa-south1"}
        if happening.detail < 0.4:
            labels["revision_name"] = service.latest_created
        incident: dict[str, Any] = {
            "incident_id": f"0.i{happening.number}",
            "state": "open",
            "started_at": int(self._world.timeline.now.timestamp()) - int(happening.detail * 20),
            "policy_name": "HighErrorRate",
            "policy_user_labels": {"rollback": "true"} if happening.detail < 0.8 else {},
            "resource": {"type": "cloud_run_revision", "labels": labels},
        }
        self._publish("alerts", {"version": "1.2", "incident": incident})

        def close() -> None:
            closed = {**incident, "state": "closed", "ended_at": int(self._world.timeline.now.timestamp())}
            self._publish("alerts", {"version": "1.2", "incident": closed})

        self._later(happening, close)

    def _edit(self, happening: Happening) -> None:
        """A person moves traffic by hand, tags kept, and puts it back later or leaves it."""
        service = self._world.run.services[happening.service]
        rows = [row for row in service.traffic if not row.percent]
        named = sorted({row.revision for row in service.traffic if row.revision}) or [service.latest_ready]
        share = int(happening.detail * 100)
        moved = [TrafficTarget(revision=named[0], percent=100 - share)]
        moved += [TrafficTarget(revision=named[-1], percent=share)] if share else []
        self._world.run.edited(happening.service, (*moved, *rows))
        if happening.detail < 0.5:
            self._later(happening, lambda: self._world.put_back(happening.service))

    def _apply(self, happening: Happening) -> None:
        """A plan is read now and applied later: it restores the old split with the old record.

        Half the time somebody sees it and takes the release back at once.
        """
        name = happening.service
        if name in self._world.run.unreadable:
            return
        planned = self._world.run.services[name]
        self._later(happening, lambda: self._world.run.applied(name, planned))
        if happening.detail < 0.5:
            verb = Verb.ROLLBACK if happening.detail < 0.45 else Verb.ABORT
            seconds = happening.seconds + 1 + happening.detail * 20
            self._world.timeline.after(seconds, lambda: self.order(verb, name, f"r{happening.number}"))

    def _tug(self, happening: Happening) -> None:
        """An apply of what was planned a minute ago, and a rollback on its heels: it meets the old copy."""
        name, run = happening.service, self._world.run
        if name in run.unreadable:
            return
        planned, seconds = run.services[name], happening.seconds / 3
        self._world.timeline.after(seconds, lambda: run.applied(name, planned))
        self._world.timeline.after(seconds, lambda: self.order(Verb.ROLLBACK, name, f"r{happening.number}"))

    def _configure(self, happening: Happening) -> None:
        """A changed variable; who is careful waits until nothing is on trial, and freezes the service meanwhile."""
        if happening.detail < 0.5:
            self._configure_at_rest(happening)
        else:
            self._world.run.configured(happening.service)

    def _configure_at_rest(self, happening: Happening) -> None:
        name, request, timeline = happening.service, f"r{happening.number}", self._world.timeline
        if timeline.seconds > CHAOS_SECONDS + PATIENCE_SECONDS:
            return
        if not self._world.at_rest(name):
            timeline.after(WAITING_SECONDS, lambda: self._configure_at_rest(happening))
            return
        self.order(Verb.FREEZE, name, request)
        timeline.after(FREEZING_SECONDS, lambda: self._world.run.configured(name))
        seconds = FREEZING_SECONDS + APPLYING_SECONDS + happening.seconds
        timeline.after(seconds, lambda: self.order(Verb.UNFREEZE, name, f"{request}u"))

    def _hindsight(self, happening: Happening) -> None:
        """An order that is underway for minutes, in which somebody moves traffic by hand."""
        verb = (Verb.ROLLBACK, Verb.ABORT, Verb.RESUME)[happening.number % 3]
        edited_after = NOTICED_WITHIN.total_seconds() + happening.seconds / 2
        self._world.timeline.after(edited_after, lambda: self._edit(happening))
        self.order(verb, happening.service, f"r{happening.number}", delay=edited_after + 90 + happening.seconds / 2)

    def _outage(self, happening: Happening) -> None:
        """Most answer 503; some take us for a stranger."""
        error = Denied if happening.seconds % 1 < 0.2 else Unavailable
        self._down(happening, error, happening.seconds)

    def _revoked(self, happening: Happening) -> None:
        """A role is taken away, long enough for messages to become dead letters, and given back."""
        self._down(happening, Denied, 5 * happening.seconds)

    def _down(self, happening: Happening, error: type[Exception], seconds: float) -> None:
        port, down = PORTS[int(happening.detail * len(PORTS))], self._world.surroundings.down
        down[port] = error
        self._world.timeline.after(seconds, lambda: down.pop(port, None))

    def _shared_outage(self, happening: Happening) -> None:
        failing = self._world.surroundings.metrics.failing
        failing.add(happening.service)
        self._later(happening, lambda: failing.discard(happening.service))

    def _silence(self, happening: Happening) -> None:
        """The newest revision with most of the traffic stops answering probes for a while."""
        serving = self._world.run.services[happening.service].serving
        revision = max(serving, key=lambda name: serving[name])
        silent = self._world.surroundings.prober.silent
        silent.add(revision)
        self._later(happening, lambda: silent.discard(revision))

    def _burst(self, happening: Happening) -> None:
        """A push, an alert, a command and a tick in the same second, on every service."""
        for service in SERVICES:
            one = replace(happening, service=service)
            self._push(one)
            self._alert(one)
            self._command(one)
        self._publish("rollout-ticks", {}, {"job": "rollout-ticks"})

    def _death(self, happening: Happening) -> None:
        """What is on trial stops being ready, and is ready again some minutes later."""
        run = self._world.run
        service = run.services[happening.service]
        canary = next((row.revision for row in service.traffic if row.tag == CANARY_TAG), None)
        if canary and service.serving.get(canary) and canary not in run.died:
            run.dies(canary)
            self._later(happening, lambda: run.revives(canary))
            if happening.detail < 0.8:  # whoever wanted to help changed a variable
                self._world.timeline.after(60 * happening.detail, lambda: run.configured(happening.service))

    def _corrupt(self, happening: Happening) -> None:
        """Somebody breaks the record; a person puts it right and has what met it in between replayed."""
        if self._world.run.corrupted(happening.service, CORRUPT[happening.number % len(CORRUPT)]):
            self._later(happening, lambda: self._world.mend(happening.service))

    def _later(self, happening: Happening, action: Any) -> None:
        self._world.timeline.after(happening.seconds, action)

    def _publish(self, topic: str, body: dict[str, Any], attributes: dict[str, str] | None = None) -> None:
        self._world.bus.publish(topic, json.dumps(body).encode(), attributes or {})
