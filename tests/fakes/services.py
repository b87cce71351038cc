"""Cloud Run as a delivery sees it, with every write kept."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from shared.errors import Conflict, NotFound
from shared.rollout.service import Revision, RevisionState, Service, TrafficTarget


@dataclass
class Write:
    service: str
    kind: str
    image: str
    traffic: tuple[TrafficTarget, ...]


class FakeServices:
    """Cloud Run: etags, revisions that become ready later, LATEST followed, tags addressable."""

    def __init__(self) -> None:
        self.rows: dict[str, Service] = {}
        self.revisions: dict[str, Revision] = {}
        self.writes: list[Write] = []
        self.reads = 0
        self.conflicts = 0

    def add(self, name: str, image: str, *, revision: str = "", record: str = "") -> None:
        revision = revision or f"{name}-00001-aaa"
        self.revisions[revision] = Revision(name=revision, image=image, state=RevisionState.READY)
        self.rows[name] = Service(
            name=name,
            etag="0",
            uri=f"https://{name}.example",
            record=record,
            image=image,
            rollout_id="",
            traffic=(TrafficTarget(revision=None, percent=100),),
            serving={revision: 100},
            latest_created=revision,
            latest_ready=revision,
        )

    def get(self, service: str) -> Service:
        self.reads += 1
        if service not in self.rows:
            raise NotFound(service)
        return self.rows[service]

    def get_revision(self, service: str, revision: str) -> Revision:
        return self.revisions.get(revision) or Revision(name=revision, image="", state=RevisionState.MISSING)

    def start(
        self, service: Service, *, record: str, image: str, rollout_id: str, traffic: Iterable[TrafficTarget]
    ) -> None:
        self._check(service)
        name = f"{service.name}-{len(self.revisions) + 1:05d}-can"
        self.revisions[name] = Revision(name=name, image=image, state=RevisionState.PENDING, rollout_id=rollout_id)
        row = replace(self.rows[service.name], latest_created=name, image=image, rollout_id=rollout_id)
        self._write(row, record, tuple(traffic), "start")

    def move(self, service: Service, *, record: str, traffic: Iterable[TrafficTarget]) -> None:
        self._check(service)
        self._write(self.rows[service.name], record, tuple(traffic), "move")

    def become_ready(self, revision: str) -> None:
        self.revisions[revision] = replace(self.revisions[revision], state=RevisionState.READY)
        for row in self.rows.values():
            if row.latest_created == revision:
                self.rows[row.name] = _routed(replace(row, latest_ready=revision))

    def fail(self, revision: str, message: str) -> None:
        self.revisions[revision] = replace(self.revisions[revision], state=RevisionState.FAILED, message=message)

    def percents(self, name: str) -> dict[str | None, int]:
        return {row.revision: row.percent for row in self.rows[name].traffic if row.percent}

    def _check(self, service: Service) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("lost the race")
        if service.etag != self.rows[service.name].etag:
            raise Conflict("stale etag")

    def _write(self, row: Service, record: str, traffic: tuple[TrafficTarget, ...], kind: str) -> None:
        self.writes.append(Write(row.name, kind, row.image, traffic))
        self.rows[row.name] = _routed(replace(row, etag=str(int(row.etag) + 1), record=record, traffic=traffic))


def _routed(row: Service) -> Service:
    """The status follows the traffic block at once."""
    tagged = {target.tag: target.revision or row.latest_ready for target in row.traffic if target.tag}
    return replace(row, tag_uris={tag: f"https://{tag}---{row.uri}" for tag in tagged}, tagged=tagged)
