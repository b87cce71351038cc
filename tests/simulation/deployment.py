"""Cloud Run in memory: etags, revisions that become ready later or never, a status that lags behind the spec."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from shared.errors import Conflict, NotFound
from shared.rollout.service import Revision, RevisionState, Service, TrafficTarget
from tests.simulation.releases import Kind, Releases
from tests.simulation.timeline import Timeline

READY_SECONDS = (1.0, 40.0)
FOREIGN_TAG = "qa"
STALE_SECONDS = 60.0
RECONCILE_SECONDS = (0.2, 8.0)


class CloudRun:
    """The truth. watch: told of every write, with the service before and after.

    settled: told of every revision that became ready or failed; unreadable: what stood on a service before somebody
    broke its record; died: revisions that were ready once and then were not; moved_by_hand: when a person last moved
    traffic, by service.
    """

    def __init__(self, timeline: Timeline, random: Random, releases: Releases) -> None:
        self.services: dict[str, Service] = {}
        self.revisions: dict[str, Revision] = {}
        self.past: dict[str, list[Service]] = {}
        self.unreadable: dict[str, str] = {}
        self.died: set[str] = set()
        self.moved_by_hand: dict[str, datetime] = {}
        self._begun: dict[str, tuple[Revision, float]] = {}
        self.watch: Callable[[Service, Service], None] = lambda before, after: None
        self.settled: Callable[[str, Revision], None] = lambda service, revision: None
        self._timeline = timeline
        self._random = random
        self._releases = releases
        self._etags = 0

    @property
    def now(self) -> datetime:
        return self._timeline.now

    def create(self, name: str, image: str) -> None:
        """A service with one ready revision, on LATEST or pinned to it, and a tag of somebody's, as before we came."""
        revision = self._revision(name, image, "", state=RevisionState.READY)
        self.services[name] = Service(
            name=name,
            etag=self._etag(),
            uri=f"https://{name}.example",
            record="",
            image=image,
            rollout_id="",
            traffic=(
                TrafficTarget(revision=self._random.choice((None, revision.name)), percent=100),
                TrafficTarget(revision=revision.name, tag=FOREIGN_TAG),
            ),
            serving={revision.name: 100},
            latest_created=revision.name,
            latest_ready=revision.name,
        )
        self.past[name] = [self.services[name]]

    def get(self, service: str) -> Service:
        if service not in self.services:
            raise NotFound(service)
        return self.services[service]

    def earlier(self, service: str) -> Service:
        """What a stale read shows."""
        return self.past[service][-2:][0]

    def earlier_revision(self, service: str, revision: str) -> Revision:
        """What a stale read shows: not settled yet, when it has settled only just."""
        begun, settled = self._begun.get(revision, (None, 0.0))
        young = begun is not None and self._timeline.seconds - settled < STALE_SECONDS
        return begun if begun is not None and young else self.get_revision(service, revision)

    def get_revision(self, service: str, revision: str) -> Revision:
        return self.revisions.get(revision) or Revision(name=revision, image="", state=RevisionState.MISSING)

    def start(
        self, service: Service, *, record: str, image: str, rollout_id: str, traffic: Iterable[TrafficTarget]
    ) -> None:
        self._guard(service)
        revision = self._revision(service.name, image, rollout_id)
        self._write(
            service.name,
            image=image,
            rollout_id=rollout_id,
            latest_created=revision.name,
            record=record,
            traffic=tuple(traffic),
        )
        self._settle(service.name, revision)

    def move(self, service: Service, *, record: str, traffic: Iterable[TrafficTarget]) -> None:
        self._guard(service)
        self._write(service.name, record=record, traffic=tuple(traffic))

    def edited(self, name: str, traffic: tuple[TrafficTarget, ...]) -> None:
        """A person's change of the split, which nobody guards with our etag."""
        self.moved_by_hand[name] = self.now
        self._write(name, traffic=traffic)

    def applied(self, name: str, planned: Service) -> None:
        """A `terraform apply` of what its plan read: the split and the annotations of then."""
        if name in self.unreadable:
            return  # mending it first is what a person would do
        self._write(name, traffic=planned.traffic, record=planned.record)

    def configured(self, name: str) -> None:
        """A changed variable makes a revision of the image in the template; the template's annotations stay."""
        current = self.services[name]
        revision = self._revision(name, current.image, current.rollout_id)
        self._write(name, latest_created=revision.name)
        self._settle(name, revision)

    def corrupted(self, name: str, text: str) -> bool:
        """A record that nobody can read, until it is mended; False where there is none, or none that can be read."""
        service = self.services[name]
        if not service.record or name in self.unreadable:
            return False
        self.unreadable[name] = service.record
        self.services[name] = replace(service, record=text, etag=self._etag())
        return True

    def mended(self, name: str) -> None:
        """The text from before is back."""
        self.services[name] = replace(self.services[name], record=self.unreadable.pop(name), etag=self._etag())

    def dies(self, revision: str) -> None:
        """A revision that was ready is not any more."""
        self.died.add(revision)
        before = self.revisions[revision]
        self.revisions[revision] = replace(before, state=RevisionState.FAILED, message="The container exits.")

    def revives(self, revision: str) -> None:
        self.revisions[revision] = replace(self.revisions[revision], state=RevisionState.READY, message="")

    def kind(self, revision: str) -> Kind:
        """How the release of a revision behaves."""
        return self._releases.kind(self.revisions[revision].image)

    def _guard(self, service: Service) -> None:
        current = self.services[service.name]
        if current.etag != service.etag:
            raise Conflict(f"{service.name}: etag {service.etag} is not {current.etag}")

    def _write(self, name: str, **changes: Any) -> None:
        before = self.services[name]
        after = replace(before, etag=self._etag(), reconciling=True, **changes)
        self.services[name] = after
        self.past[name].append(after)
        self.watch(before, after)
        self._timeline.after(self._random.uniform(*RECONCILE_SECONDS), lambda: self._reconcile(name))

    def _reconcile(self, name: str) -> None:
        """The status catches up with the spec, and the etag changes by itself."""
        service = self.services[name]
        serving: dict[str, int] = {}
        for row in service.traffic:
            revision = row.revision or service.latest_ready
            if row.percent:
                serving[revision] = serving.get(revision, 0) + row.percent
        tagged = {row.tag: row.revision or service.latest_ready for row in service.traffic if row.tag}
        uris = {tag: f"https://{tag}---{revision}" for tag, revision in tagged.items()}
        self.services[name] = replace(
            service, serving=serving, tag_uris=uris, tagged=tagged, etag=self._etag(), reconciling=False
        )

    def _settle(self, service: str, revision: Revision) -> None:
        kind = self._releases.kind(revision.image)
        if kind is Kind.STUCK:
            return
        failed = kind is Kind.NEVER_STARTS

        def settle() -> None:
            state = RevisionState.FAILED if failed else RevisionState.READY
            done = replace(revision, state=state, message="The container failed to start." if failed else "")
            self.revisions[revision.name] = done
            self._begun[revision.name] = (revision, self._timeline.seconds)
            row = self.services[service]
            newest = [name for name in (row.latest_ready, revision.name) if self.revisions[name].state == "ready"]
            self.services[service] = replace(row, latest_ready=max(newest, default=row.latest_ready), etag=self._etag())
            self._reconcile(service)
            self.settled(service, done)

        self._timeline.after(self._random.uniform(*READY_SECONDS), settle)

    def _revision(
        self, service: str, image: str, rollout_id: str, state: RevisionState = RevisionState.PENDING
    ) -> Revision:
        name = f"{service}-{len(self.revisions) + 1:05d}-sim"
        self.revisions[name] = Revision(name=name, image=image, state=state, rollout_id=rollout_id)
        return self.revisions[name]

    def _etag(self) -> str:
        self._etags += 1
        return f"etag-{self._etags}"
