"""Which databases are exported, where to and how often: the `backups` part of the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

_INSTANCE: Final = re.compile(r"[a-z][a-z0-9-]{0,96}")
_DATABASE: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
_NAMES: Final = ("append_only", "retired", "extensions")
_KNOWN: Final = {"bucket", "instances", "period_seconds", "patience_seconds", "age_max_seconds", *_NAMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """bucket: where exports land; instances: the databases of each Cloud SQL instance.

    period: one export per database in each; patience: an export that runs longer than this is late; age_max: of the
    night of the newest verified export, and of the newest Cloud SQL backup, beyond which somebody is paged.
    append_only, retired, extensions: what is known of the tables, see `shared.backup.trend.Expectation`.
    """

    bucket: str
    instances: Mapping[str, tuple[str, ...]]
    period: timedelta = timedelta(days=1)
    patience: timedelta = timedelta(hours=2)
    age_max: timedelta = timedelta(hours=30)
    append_only: frozenset[str] = frozenset()
    retired: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()


def read_backups(raw: Any, problems: list[str]) -> Backups | None:
    """None when the environment has none; what is wrong is added to `problems`, each with its field."""
    if raw is None:
        return None
    if not isinstance(raw, dict):
        problems.append("backups: must be an object")
        return None
    problems += [f"backups.{name}: unknown field" for name in sorted(set(raw) - _KNOWN)]
    bucket = raw.get("bucket")
    if not isinstance(bucket, str) or not bucket:
        problems.append("backups.bucket: must be a text that is not empty")
    spans: dict[str, Any] = {name: _span(raw[f"{name}_seconds"], f"backups.{name}_seconds", problems)
             for name in ("period", "patience", "age_max") if f"{name}_seconds" in raw}  # fmt: skip
    names: dict[str, Any] = {name: _names(raw[name], f"backups.{name}", problems) for name in _NAMES if name in raw}
    return Backups(bucket=str(bucket), instances=_instances(raw.get("instances"), problems), **spans, **names)


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
