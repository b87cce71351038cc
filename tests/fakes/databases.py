"""Cloud SQL, whose operations end when they are told to."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.backup.instance_backups import InstanceBackups
from shared.backup.operations import Operation, OperationKind
from shared.errors import Conflict, NotFound
from tests.fakes.clock import FakeClock


@dataclass
class FakeDatabases:
    """Cloud SQL: one operation per instance, beside which an export may run; `end` ends one, well or not.

    busy: what collides with everything, as somebody else's operation may.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    names: set[str] = field(default_factory=lambda: {"chat"})
    rows: dict[str, Operation] = field(default_factory=dict)
    backups: dict[str, datetime] = field(default_factory=dict)
    settings: InstanceBackups = field(
        default_factory=lambda: InstanceBackups(enabled=True, point_in_time=True, log_days=7)
    )
    busy: bool = False
    admitted: set[tuple[str, str]] = field(default_factory=set)

    def export(self, instance: str, database: str, uri: str) -> str:
        return self._begin(OperationKind.EXPORT, instance, uri)

    def export_query(self, instance: str, database: str, query: str, uri: str) -> str:
        return self._begin(OperationKind.EXPORT, instance, uri)

    def load(self, instance: str, database: str, uri: str) -> str:
        return self._begin(OperationKind.IMPORT, instance, uri)

    def create(self, instance: str, like: str) -> str:
        self._check(like)
        if instance in self.names:
            raise Conflict(f"{instance} already exists")
        self.names.add(instance)
        return self._begin(OperationKind.CREATE, instance)

    def admit(self, instance: str, bucket: str) -> None:
        self._check(instance)
        self.admitted.add((instance, bucket))

    def create_database(self, instance: str, database: str) -> str:
        return self._begin(OperationKind.CREATE_DATABASE, instance)

    def delete(self, instance: str) -> str:
        return self._begin(OperationKind.DELETE, instance)

    def instances(self) -> frozenset[str]:
        return frozenset(self.names)

    def operation(self, name: str) -> Operation:
        if name not in self.rows:
            raise NotFound(name)
        return self.rows[name]

    def operations(self, instance: str) -> tuple[Operation, ...]:
        return tuple(row for row in reversed(self.rows.values()) if row.instance == instance)

    def newest_backup(self, instance: str) -> datetime | None:
        self._check(instance)
        return self.backups.get(instance)

    def backup_settings(self, instance: str) -> InstanceBackups:
        self._check(instance)
        return self.settings

    def end(self, name: str, problem: str = "") -> None:
        row = self.rows[name] = replace(self.rows[name], done=True, problem=problem, ended_at=self.clock.now())
        if row.kind is OperationKind.DELETE and not problem:
            self.names.discard(row.instance)

    def _check(self, instance: str) -> None:
        if instance not in self.names:
            raise NotFound(instance)

    def _begin(self, kind: OperationKind, instance: str, uri: str = "") -> str:
        self._check(instance)
        running = [row for row in self.rows.values() if row.instance == instance and not row.done]
        exporting = [row for row in running if row.kind is OperationKind.EXPORT]
        if self.busy or (exporting if kind is OperationKind.EXPORT else len(running) > len(exporting)):
            raise Conflict("another operation was already in progress")
        name = f"operation-{len(self.rows) + 1}"
        self.rows[name] = Operation(name=name, kind=kind, instance=instance, asked_at=self.clock.now(), uri=uri)
        return name
