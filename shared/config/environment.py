"""The environment's configuration as the functions receive it at deploy time: JSON in DELIVERY_ENVIRONMENT.

The same zip goes to every environment; this is all that differs.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.config.strategy import is_number, read_strategy
from shared.errors import DeliveryError
from shared.rollout.strategy import Strategy
from shared.values import value

if TYPE_CHECKING:
    from shared.analysis.evidence import Expectation
    from shared.config.backups import Backups
    from shared.connectivity.budget import Connectivity
    from shared.rollout.supply import Supply

VARIABLE = "DELIVERY_ENVIRONMENT"
_SERVICE = {
    "image",
    "deploy_tags",
    "deploys_on",
    "probe_paths",
    "probe_expects",
    "connectivity",
    "assets_bucket",
    "supply",
    "database",
    "backup_age_max_seconds",
    "strategy",
}


class InvalidEnvironment(DeliveryError):
    """The configuration is wrong; `problems` names every field at fault, "services.web.image: missing"."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@value
class ManagedService:
    """One Cloud Run service under our care.

    image: its repository path without tag; deploy_tags: a regular expression a pushed tag must match in full;
    deploys_on: "push" or "build"; probe_paths: requested on the tagged URL before any traffic and at every tick.
    probe_expects: by path, what an answer must be beside a success that is not empty.
    connectivity: what its pages may cost people on slow lines, or None where nobody asks.
    assets_bucket: where the load balancer has its releases' own files from, or "" where it has none;
    supply: what is asked of an image's origin and scan, or None for nothing;
    database: what its releases migrate, (instance, database), or None; backup_age_max: of the night of its newest
    verified export, beyond which a release that migrates waits.
    """

    name: str
    image: str
    deploy_tags: str = r".+"
    deploys_on: str = "push"
    probe_paths: tuple[str, ...] = ("/health/ready",)
    probe_expects: Mapping[str, "Expectation"] = field(default_factory=dict)
    connectivity: "Connectivity | None" = None
    assets_bucket: str = ""
    supply: "Supply | None" = None
    database: tuple[str, str] | None = None
    backup_age_max: timedelta = timedelta(hours=30)
    strategy: Strategy = field(default_factory=Strategy)


@value
class Environment:
    """One of dev, staging, production.

    control_bucket: where the environment's freeze lies when the ledger's retention lets nothing be replaced; "" is the
    ledger's own bucket.
    """

    name: str
    project: str
    region: str
    ledger_bucket: str
    services: Mapping[str, ManagedService]
    control_bucket: str = ""
    backups: "Backups | None" = None


def load_environment(text: str) -> Environment:
    """Raises InvalidEnvironment with every problem at once."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidEnvironment([f"{VARIABLE}: not JSON: {error}"]) from error
    reader = _Reader()
    if not isinstance(raw, dict):
        raise InvalidEnvironment([f"{VARIABLE}: must be an object"])
    reader.only(raw, {"name", "project", "region", "ledger_bucket", "control_bucket", "services", "backups"}, "")
    rows = raw.get("services")
    if not isinstance(rows, dict) or not rows:
        reader.problems.append("services: must be an object with at least one service")
        rows = {}
    backups = reader.backups(raw.get("backups"))
    databases = backups.databases if backups else ()
    environment = Environment(
        name=reader.text(raw, "name", ""),
        project=reader.text(raw, "project", ""),
        region=reader.text(raw, "region", ""),
        ledger_bucket=reader.text(raw, "ledger_bucket", ""),
        control_bucket=reader.text(raw, "control_bucket", "") if "control_bucket" in raw else "",
        services={name: reader.service(name, row, databases) for name, row in rows.items()},
        backups=backups,
    )
    if reader.problems:
        raise InvalidEnvironment(reader.problems)
    return environment


class _Reader:
    """Reads fields and collects problems instead of stopping at the first."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def only(self, row: Mapping[str, Any], known: set[str], path: str) -> None:
        self.problems += [f"{path}{name}: unknown field" for name in sorted(set(row) - known)]

    def backups(self, raw: Any) -> "Backups | None":
        if raw is None:
            return None
        from shared.config.backups import read_backups

        return read_backups(raw, self.problems)

    def text(self, row: Mapping[str, Any], name: str, path: str, default: str | None = None) -> str:
        value = row.get(name, default)
        if not isinstance(value, str) or not value:
            self.problems.append(f"{path}{name}: must be a text that is not empty")
            return ""
        return value

    def service(self, name: str, row: Any, databases: Collection[tuple[str, str]]) -> ManagedService:
        path = f"services.{name}."
        if not isinstance(row, dict):
            self.problems.append(f"services.{name}: must be an object")
            row = {}
        self.only(row, _SERVICE, path)
        tags = self.text(row, "deploy_tags", path, r".+")
        try:
            re.compile(tags)
        except re.error as error:
            self.problems.append(f"{path}deploy_tags: not a regular expression: {error}")
        deploys_on = row.get("deploys_on", "push")
        if deploys_on not in ("push", "build"):
            self.problems.append(f'{path}deploys_on: must be "push" or "build", not "{deploys_on}"')
        paths = row.get("probe_paths", ["/health/ready"])
        if not isinstance(paths, list) or not paths or any(not _is_probe_path(item) for item in paths):
            self.problems.append(f'{path}probe_paths: must be paths that start with "/" and do not end in "z"')
            paths = []
        return ManagedService(
            name=name,
            image=self.text(row, "image", path),
            deploy_tags=tags,
            deploys_on=deploys_on,
            probe_paths=tuple(paths),
            probe_expects=self.expectations(row.get("probe_expects"), paths, f"{path}probe_expects"),
            connectivity=self.connectivity(row["connectivity"], f"{path}connectivity")
            if "connectivity" in row
            else None,
            assets_bucket=self.text(row, "assets_bucket", path) if "assets_bucket" in row else "",
            supply=self.supply(row.get("supply"), f"{path}supply"),
            database=self.database(row["database"], f"{path}database", databases) if "database" in row else None,
            backup_age_max=self.age(row.get("backup_age_max_seconds", 108000), f"{path}backup_age_max_seconds"),
            strategy=read_strategy(row.get("strategy", {}), self.problems, f"{path}strategy."),
        )

    def expectations(self, raw: Any, paths: list[str], path: str) -> "Mapping[str, Expectation]":
        if raw is None:
            return {}
        from shared.config.expectations import read_expectations

        return read_expectations(raw, paths, self.problems, path)

    def connectivity(self, value: Any, path: str) -> "Connectivity":
        from shared.config.connectivity import read_connectivity

        return read_connectivity(value, self.problems, path)

    def supply(self, raw: Any, path: str) -> "Supply | None":
        if raw is None:
            return None
        from shared.config.supply import read_supply

        return read_supply(raw, path, self.problems)

    def database(self, value: Any, path: str, databases: Collection[tuple[str, str]]) -> tuple[str, str] | None:
        found = next((known for known in databases if value == "/".join(known)), None)
        if found is None:
            self.problems.append(f'{path}: must be "instance/database" of backups.instances, not "{value}"')
        return found

    def age(self, value: Any, path: str) -> timedelta:
        if is_number(value) and value > 0:
            return timedelta(seconds=value)
        self.problems.append(f"{path}: must be a number of seconds above 0")
        return timedelta()


def _is_probe_path(value: object) -> bool:
    """Cloud Run's front end keeps some paths that end in "z" for itself."""
    return isinstance(value, str) and value.startswith("/") and not value.endswith("z")
