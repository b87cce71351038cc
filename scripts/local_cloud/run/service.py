"""One service of the local Cloud Run: what is wanted, what there is, and how the one becomes the other.

A change is accepted at once and true later: after the reconcile delay, and once the revisions it sends requests to are
ready. Traffic moves for ready revisions alone; what asks for another waits, or fails and leaves traffic where it was.
"""

from dataclasses import dataclass, field

import grpc
from google.cloud.run_v2.types import Revision
from google.cloud.run_v2.types import service as services
from google.cloud.run_v2.types import traffic_target as targets

from scripts.local_cloud.contracts import DataPlane
from scripts.local_cloud.gapic.wire import Fail
from scripts.local_cloud.run.checks import LATEST, check_revision_name, same_template
from scripts.local_cloud.run.operations import Operations
from scripts.local_cloud.run.revisions import (
    Condition,
    State,
    new_etag,
    new_name,
    new_revision,
    now,
    ready_condition,
    state_of,
)

RevisionFailed = Condition.CommonReason.REVISION_FAILED


@dataclass(slots=True, kw_only=True)
class RunService:
    """resource: as callers read it; revisions: by short name, oldest first; templates: how many there were so far.

    operation, made and due are of the newest change: its operation, the revision it made or "", and whether the
    reconcile delay is over.
    """

    resource: services.Service
    operation: str = ""
    made: str = ""
    due: bool = False
    templates: int = 0
    revisions: dict[str, Revision] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return _short(self.resource.name)

    def state(self, revision: str) -> int:
        return state_of(self.revisions[revision])

    def revision_for(self, wanted: services.Service) -> str:
        """The name of the revision the change needs, "" when the current one will do. Raises Fail."""
        current = self.resource.template
        named = wanted.template.revision
        if self.revisions and same_template(current, wanted.template) and named in ("", current.revision):
            return ""
        if not named:
            return new_name(self.name, self.templates + 1)
        check_revision_name(self.name, named)
        if named in self.revisions:
            why = f"Revision named '{named}' with different configuration already exists."
            raise Fail(grpc.StatusCode.ALREADY_EXISTS, why)
        return named

    def accept(self, wanted: services.Service, revision: str) -> None:
        """Takes the change over; not true yet. revision: the name of the one to make, or ""."""
        self.resource, self.due, self.made = wanted, False, revision
        wanted.generation += 1
        wanted.reconciling = True
        wanted.terminal_condition = ready_condition(State.CONDITION_RECONCILING)
        if revision:
            self.templates += 1
            self.revisions[revision] = new_revision(wanted, revision)
            wanted.latest_created_revision = self.revisions[revision].name
        self.changed()

    def newly_ready(self, revision: str) -> None:
        """The newest ready revision is the latest; one that took longer than a newer one is not."""
        order = list(self.revisions)
        latest = _short(self.resource.latest_ready_revision)
        if not latest or order.index(revision) > order.index(latest):
            self.resource.latest_ready_revision = f"{self.resource.name}/revisions/{revision}"

    def settle(self, data_plane: DataPlane, operations: Operations) -> None:
        """Makes true what can be; harmless at any time."""
        if not self.due or not self.resource.reconciling:
            return
        rows = list(self.resource.traffic) or [targets.TrafficTarget(type_=LATEST, percent=100)]
        resolved = [self._revision_of(row) for row in rows]
        created = _short(self.resource.latest_created_revision)
        problem = self._problem([created, *resolved])
        if all(name and self.state(name) == State.CONDITION_SUCCEEDED for name in resolved):
            self._route(data_plane, rows, resolved)
        elif not problem:
            return  # a revision is still starting
        if self.state(created) in (State.CONDITION_RECONCILING, State.CONDITION_PENDING):
            return
        self._conclude(operations, problem, failed=bool(self._problem([self.made, *resolved])))

    def _revision_of(self, row: targets.TrafficTarget) -> str:
        return _short(self.resource.latest_ready_revision) if row.type_ == LATEST else row.revision

    def _problem(self, names: list[str]) -> str:
        for name in names:
            if name and self.state(name) == State.CONDITION_FAILED:
                why = self.revisions[name].conditions[0].message
                return f"Revision '{name}' is not ready and cannot serve traffic. {why}"
        return ""

    def _route(self, data_plane: DataPlane, rows: list[targets.TrafficTarget], resolved: list[str]) -> None:
        percents: dict[str, int] = {}
        tags: dict[str, str] = {}
        for row, revision in zip(rows, resolved, strict=True):
            if row.percent:
                percents[revision] = percents.get(revision, 0) + row.percent
            if row.tag:
                tags[row.tag] = revision
        data_plane.route(self.name, percents, tags)
        statuses = [
            targets.TrafficTargetStatus(
                type_=row.type_,
                revision=revision,
                percent=row.percent,
                tag=row.tag,
                uri=data_plane.tag_uri(self.name, row.tag) if row.tag else "",
            )
            for row, revision in zip(rows, resolved, strict=True)
        ]
        if statuses != list(self.resource.traffic_statuses):
            self.resource.traffic_statuses = statuses
            self.changed()

    def _conclude(self, operations: Operations, problem: str, *, failed: bool) -> None:
        """problem: of the service as it stands; failed: whether the newest change itself is what did not come true."""
        resource = self.resource
        resource.reconciling = False
        resource.observed_generation = resource.generation
        resource.terminal_condition = (
            ready_condition(State.CONDITION_FAILED, message=problem, reason=RevisionFailed)
            if problem
            else ready_condition(State.CONDITION_SUCCEEDED)
        )
        self.changed()
        code = grpc.StatusCode.FAILED_PRECONDITION if failed else None
        operations.finish(self.operation, resource, code=code, why=problem)

    def changed(self) -> None:
        """Every change, ours or a caller's, is another etag."""
        self.resource.etag = new_etag()
        self.resource.update_time = now()


def _short(name: str) -> str:
    return name.rpartition("/")[2]
