"""Which databases are exported, where to and how often, and what is known of each: the environment's `backups`."""

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from typing import Any, Final

from shared.backup.objectives import Objectives
from shared.values import value

_INSTANCE: Final = re.compile(r"[a-z][a-z0-9-]{0,96}")
_DATABASE: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
_TABLES: Final = ("append_only", "volatile", "retired", "extensions")
_BUCKETS: Final = ("locked_bucket", "drill_bucket")
_SPANS: Final = ("period", "patience", "claim", "drill_deadline", "drill_age_max")
_USUAL: Final = Objectives(recovery_point=timedelta(hours=30), recovery_time=timedelta(hours=1))
_KNOWN: Final = {"bucket", "instances", "databases", *_BUCKETS, *(f"{name}_seconds" for name in _SPANS)}
_OF_DATABASE: Final = {
    *_TABLES,
    "age_max_seconds",
    "log_days",
    "newest_row",
    "checks",
    "recovery_point_seconds",
    "recovery_time_seconds",
}


@value
class Database:
    """What is known of one database, and what is promised.

    append_only, volatile, retired, extensions: see `shared.backup.trend.Expectation`; age_max: of the night of the
    newest verified export, and of the newest Cloud SQL backup, beyond which somebody is paged; log_days: how far back
    the instance's log must reach; newest_row: SQL whose one value is the time of the newest row, or ""; checks: by
    name, SQL whose one value must be true in a restored copy; objectives: what a restore must keep.
    """

    append_only: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    retired: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()
    age_max: timedelta = timedelta(hours=30)
    log_days: int = 0
    newest_row: str = ""
    checks: Mapping[str, str] = field(default_factory=dict)
    objectives: Objectives = _USUAL


@value
class Backups:
    """bucket: where exports land; locked_bucket: where good ones are copied, or ""; drill_bucket: what a throw-away
    instance may read and write, or "" when nothing is drilled; instances: the databases of each Cloud SQL instance.

    known: by "instance/database".
    period: one export per database in each; patience: an export that runs longer than this is late, and a failed one
    that is not repeated within it is given up.
    claim: how long a delivery that died keeps others from starting what it may have started: longer than a call takes
    and than lists of operations lag behind.
    drill_deadline: a drill that takes longer has failed; drill_age_max: of the last drill that passed, beyond which
    somebody is paged.
    """

    bucket: str
    instances: Mapping[str, tuple[str, ...]]
    known: Mapping[str, Database] = field(default_factory=dict)
    period: timedelta = timedelta(days=1)
    patience: timedelta = timedelta(hours=2)
    claim: timedelta = timedelta(minutes=10)
    locked_bucket: str = ""
    drill_bucket: str = ""
    drill_deadline: timedelta = timedelta(hours=4)
    drill_age_max: timedelta = timedelta(days=9)

    @property
    def databases(self) -> tuple[tuple[str, str], ...]:
        """Every instance with each of its databases."""
        return tuple((instance, database) for instance, names in self.instances.items() for database in names)

    def database(self, instance: str, name: str) -> Database:
        return self.known.get(f"{instance}/{name}", Database())


def read_backups(raw: Any, problems: list[str]) -> Backups | None:
    """What is wrong is added to `problems`, each with its field; None when it is no object at all."""
    if not isinstance(raw, dict):
        problems.append("backups: must be an object")
        return None
    problems += [f"backups.{name}: unknown field" for name in sorted(set(raw) - _KNOWN)]
    for name in ("bucket", *(name for name in _BUCKETS if name in raw)):
        if not isinstance(raw.get(name), str) or not raw[name]:
            problems.append(f"backups.{name}: must be a text that is not empty")
    spans: dict[str, Any] = {name: _span(raw[f"{name}_seconds"], f"backups.{name}_seconds", problems)
             for name in _SPANS if f"{name}_seconds" in raw}  # fmt: skip
    buckets: dict[str, Any] = {name: str(raw[name]) for name in ("bucket", *_BUCKETS) if name in raw}
    instances = _instances(raw.get("instances"), problems)
    known = _databases(raw.get("databases", {}), instances, problems)
    return Backups(**{"bucket": "", **buckets, **spans}, instances=instances, known=known)


def _instances(raw: Any, problems: list[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(raw, dict) or not raw:
        problems.append("backups.instances: must be an object with at least one instance")
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name, databases in raw.items():
        path = f"backups.instances.{name}"
        if not _INSTANCE.fullmatch(name):
            problems.append(f"{path}: no name of a Cloud SQL instance")
        if not isinstance(databases, list) or not databases or any(not _is_database(one) for one in databases):
            problems.append(f"{path}: must be a list of at least one database name of letters, digits, _ and -")
        else:
            found[name] = tuple(databases)
    return found


def _databases(raw: Any, instances: Mapping[str, tuple[str, ...]], problems: list[str]) -> dict[str, Database]:
    if not isinstance(raw, dict):
        problems.append("backups.databases: must be an object")
        return {}
    named = {f"{instance}/{database}" for instance, names in instances.items() for database in names}
    problems += [f"backups.databases.{key}: no database of backups.instances" for key in sorted(set(raw) - named)]
    return {key: _database(row, f"backups.databases.{key}", problems) for key, row in raw.items()}


def _database(row: Any, path: str, problems: list[str]) -> Database:
    if not isinstance(row, dict):
        problems.append(f"{path}: must be an object")
        return Database()
    problems += [f"{path}.{name}: unknown field" for name in sorted(set(row) - _OF_DATABASE)]
    newest, checks, log_days = row.get("newest_row", ""), row.get("checks", {}), row.get("log_days", 0)
    if not isinstance(newest, str):
        problems.append(f"{path}.newest_row: must be a text")
    if not isinstance(checks, dict) or any(not isinstance(sql, str) or not sql for sql in checks.values()):
        problems.append(f"{path}.checks: must be an object of SQL texts")
        checks = {}
    if not isinstance(log_days, int) or isinstance(log_days, bool) or log_days < 0:
        problems.append(f"{path}.log_days: must be a whole number of days, 0 or more")
        log_days = 0
    age, point, time = (
        _span(row[name], f"{path}.{name}", problems) if name in row else default
        for name, default in (
            ("age_max_seconds", timedelta(hours=30)),
            ("recovery_point_seconds", _USUAL.recovery_point),
            ("recovery_time_seconds", _USUAL.recovery_time),
        )
    )
    tables = {name: _names(row[name], f"{path}.{name}", problems) for name in _TABLES if name in row}
    return Database(
        **tables,
        age_max=age,
        log_days=log_days,
        newest_row=str(newest),
        checks=checks,
        objectives=Objectives(recovery_point=point, recovery_time=time),
    )


def _names(value: Any, path: str, problems: list[str]) -> frozenset[str]:
    if isinstance(value, list) and all(isinstance(name, str) and name for name in value):
        return frozenset(value)
    problems.append(f"{path}: must be a list of names")
    return frozenset()


def _is_database(value: object) -> bool:
    return isinstance(value, str) and _DATABASE.fullmatch(value) is not None


def _span(value: Any, path: str, problems: list[str]) -> timedelta:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return timedelta(seconds=value)
    problems.append(f"{path}: must be a number of seconds above 0")
    return timedelta(days=1)
