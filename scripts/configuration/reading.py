"""From a document to a `Configuration`: every problem at once, each with its file and line."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from scripts.configuration import for_functions
from scripts.configuration.declaration import DELEGATED, Configuration
from scripts.configuration.documents import Document, Problem, Where
from shared.config.environment import InvalidEnvironment, load_environment

_WORDS: Mapping[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
_SECRET = re.compile(
    r"BEGIN [A-Z ]*PRIVATE KEY|AIza[\w-]{35}|postgres(ql)?://[^\s:]+:[^\s@]+@|xox[a-z]-|gh[pousr]_\w{30}"
)


class Reader:
    """Builds the declared types from plain values and collects what is wrong on the way."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = []

    def wrong(self, where: Where, text: str) -> None:
        self.problems.append(self._document.problem(where, text))

    def read(self, declared: Any, value: Any, where: Where, bounds: Mapping[str, Any]) -> Any:
        """The value as the declared type, or None with a problem told."""
        if bounds.get(DELEGATED):
            return value
        if is_dataclass(declared):
            return self._row(declared, value, where)
        origin = get_origin(declared)
        if origin is tuple:
            return self._rows(get_args(declared)[0], value, where, bounds)
        if origin is not None:
            return self._mapping(get_args(declared)[1], value, where, bounds)
        return self._scalar(declared, value, where, bounds)

    def _row(self, declared: Any, value: Any, where: Where) -> Any:
        if not isinstance(value, dict):
            self.wrong(where, "must be a mapping")
            return None
        hints = get_type_hints(declared)
        known = {knob.name: knob.metadata for knob in fields(declared)}
        for name in value.keys() - known.keys():
            self.wrong((*where, name), "unknown field")
        read: dict[str, Any] = {}
        for name, bounds in known.items():
            if name in value:
                read[name] = self.read(hints[name], value[name], (*where, name), bounds)
            elif not bounds.get(DELEGATED):
                self.wrong((*where, name), "missing")
        return declared(**read) if self._complete(known, read) else None

    @staticmethod
    def _complete(known: Mapping[str, Mapping[str, Any]], read: Mapping[str, Any]) -> bool:
        return all(read.get(name) is not None for name, bounds in known.items() if not bounds.get(DELEGATED))

    def _rows(self, declared: Any, value: Any, where: Where, bounds: Mapping[str, Any]) -> tuple[Any, ...] | None:
        if not isinstance(value, list):
            self.wrong(where, "must be a list")
            return None
        self._enough(len(value), where, bounds)
        read = tuple(self.read(declared, item, (*where, index), bounds) for index, item in enumerate(value))
        return None if None in read else read

    def _mapping(self, declared: Any, value: Any, where: Where, bounds: Mapping[str, Any]) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            self.wrong(where, "must be a mapping")
            return None
        self._enough(len(value), where, bounds)
        pattern = bounds.get("pattern", r".+")
        for name in value:
            if not re.fullmatch(pattern, name):
                self.wrong((*where, name), f"a name here must match {pattern}")
        read = {name: self.read(declared, item, (*where, name), {}) for name, item in value.items()}
        return None if None in read.values() else read

    def _enough(self, count: int, where: Where, bounds: Mapping[str, Any]) -> None:
        if count < bounds.get("min_items", 0):
            self.wrong(where, f"must have at least {bounds['min_items']}")

    def _scalar(self, declared: type, value: Any, where: Where, bounds: Mapping[str, Any]) -> Any:
        accepted = (int, float) if declared is float else (declared,)
        if not isinstance(value, accepted) or (isinstance(value, bool) and declared is not bool):
            self.wrong(where, f"must be {_WORDS[declared]}")
            return None
        if isinstance(value, str) and _SECRET.search(value):
            self.wrong(where, "looks like a secret; put it in Secret Manager and name it here")
        for text in _out_of_bounds(value, bounds):
            self.wrong(where, text)
        return value


def _out_of_bounds(value: Any, bounds: Mapping[str, Any]) -> Iterable[str]:
    if "choices" in bounds and value not in bounds["choices"]:
        yield f"must be one of {', '.join(bounds['choices'])}"
    if "pattern" in bounds and isinstance(value, str) and not re.fullmatch(bounds["pattern"], value):
        yield f"must match {bounds['pattern']}"
    if "low" in bounds and value < bounds["low"]:
        yield f"must be {bounds['low']} or more"
    if "high" in bounds and value > bounds["high"]:
        yield f"must be {bounds['high']} or less"


def configuration(document: Document) -> tuple[Configuration | None, list[Problem]]:
    """What the document says, and everything that is wrong with it; None where a part could not be read at all."""
    reader = Reader(document)
    read = reader.read(Configuration, document.value, (), {})
    for where, text in _functions_problems(document.value):
        reader.wrong(where, text)
    if read is not None:
        for where, text in _contradictions(read):
            reader.wrong(where, text)
    return read, sorted(reader.problems, key=lambda problem: (problem.file, problem.line, problem.where))


def _functions_problems(value: Mapping[str, Any]) -> Iterable[tuple[Where, str]]:
    """What the functions' own loader says of the fields that are its alone."""
    services = value.get("services")
    if not isinstance(services, dict):
        return
    rows = {name: for_functions.delegated_fields(row) for name, row in services.items() if isinstance(row, dict)}
    try:
        load_environment(
            for_functions.text_of("n", "p", "r", "l", "c", {name: _completed(row) for name, row in rows.items()})
        )
    except InvalidEnvironment as error:
        for problem in error.problems:
            where, _, text = problem.partition(": ")
            if where != "services":  # an empty mapping, told already
                yield tuple(where.split(".")), text


def _completed(row: Mapping[str, Any]) -> dict[str, Any]:
    """As the functions get it, with what is not written in the file but follows from it."""
    supply = row.get("supply")
    noted = {"supply": {**supply, "note": "projects/p/notes/n"}} if isinstance(supply, dict) else {}
    return {**row, **noted, "image": "i"}


def _contradictions(found: Configuration) -> Iterable[tuple[Where, str]]:
    """Rules that no single field can break."""
    frontends = [name for name, service in found.services.items() if service.kind == "frontend"]
    if len(frontends) != 1:
        yield ("services",), f"must have exactly one frontend, not {len(frontends)}"
    for name, service in found.services.items():
        where: Where = ("services", name)
        if service.scaling.instances_min > service.scaling.instances_max:
            yield (*where, "scaling", "instances_min"), "must not be above instances_max"
        if service.database and service.database not in found.databases:
            yield (*where, "database"), f"there is no database {service.database}"
        if bool(service.paths) is (service.kind == "frontend"):
            yield (*where, "paths"), "a backend has paths, the frontend none"
        if _taken(service.uptime_path, found) != name:
            yield (*where, "uptime_path"), "leads to another service"
        for variable in service.variables.keys() & service.secrets.keys():
            yield (*where, "secrets", variable), "is among the variables too"
    yield from _wrong_keys(found)
    if found.regions.backups == found.regions.serving:
        yield ("regions", "backups"), "must not be the serving region"
    for index, window in enumerate(found.freeze_windows):
        if window.starts == window.ends:
            yield ("freeze_windows", index, "ends"), "is also its start"


def _taken(path: str, found: Configuration) -> str | None:
    """Which service the load balancer asks for a path: a backend it is listed at, or the frontend."""
    for name, service in found.services.items():
        if any(path.startswith(own[:-1]) if own.endswith("/*") else path == own for own in service.paths):
            return name
    return next((name for name, service in found.services.items() if service.kind == "frontend"), None)


def _wrong_keys(found: Configuration) -> Iterable[tuple[Where, str]]:
    """A key encrypts what lies in its own region, so that all regions need one or none does."""
    keys = found.protection.encryption_keys
    regions = {found.regions.serving, found.regions.automation, found.regions.backups}
    where: Where = ("protection", "encryption_keys")
    for region, key in keys.items():
        if not re.fullmatch(rf"projects/[^/]+/locations/{re.escape(region)}/keyRings/[^/]+/cryptoKeys/[^/]+", key):
            yield (*where, region), f"must be projects/P/locations/{region}/keyRings/R/cryptoKeys/K"
    for region in sorted(regions - keys.keys()) if keys else ():
        yield where, f"has no key of {region}"
    registry = found.registry
    if registry.encryption_key and f"/locations/{registry.region}/" not in registry.encryption_key:
        yield ("registry", "encryption_key"), f"must lie in {registry.region}"
