"""The catalogue of exports in the ledger: what was read, and what a person accepted of it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from shared.backup import acceptance, catalogue
from shared.backup.catalogue import Entry
from shared.backup.names import ExportName
from shared.backup.trend import COMPARED_MAX
from shared.errors import InvalidRecord
from shared.runtime.backup_news import tell
from shared.runtime.cloud import Cloud

_ACCEPTED: Final = "-accepted.json"


def catalogue_folder(instance: str, database: str) -> str:
    """Where the catalogue of one database lies."""
    return f"catalogue/{instance}/{database}/"


def entry_prefix(name: ExportName) -> str:
    """What the entries about one export begin with: one entry per generation of its object."""
    return f"{catalogue_folder(name.instance, name.database)}{name.mark}-"


def entry_key(name: ExportName, generation: int) -> str:
    return f"{entry_prefix(name)}{generation}.json"


def verdict_key(name: ExportName, generation: int) -> str:
    """What was found in an object, before it is kept, told and entered."""
    return f"verdicts/{entry_key(name, generation).removeprefix('catalogue/')}"


def acceptance_key(entry: Entry) -> str:
    """Beside the entry, for neither is ever changed."""
    return entry_key(entry.name, entry.generation).removesuffix(".json") + _ACCEPTED


def entries(cloud: Cloud, instance: str, database: str) -> Iterator[Entry]:
    """All of them, the newest night first; one that is damaged is told of and left out, for the others are not."""
    return _read(cloud, cloud.ledger.keys(catalogue_folder(instance, database)))


def entries_of(cloud: Cloud, name: ExportName) -> list[Entry]:
    """What was found in the object of this name; none when it was not read yet."""
    return list(_read(cloud, cloud.ledger.keys(entry_prefix(name))))


def compared(cloud: Cloud, instance: str, database: str) -> list[Entry]:
    """The newest good entries, oldest first: as many as an export is compared with."""
    good = (entry for entry in entries(cloud, instance, database) if entry.good)
    return list(islice(good, COMPARED_MAX))[::-1]


def newest_good(cloud: Cloud, instance: str, database: str) -> Entry | None:
    """The export a restore would take; read from the newest entry back, so that a good night costs one."""
    return next((entry for entry in entries(cloud, instance, database) if entry.good), None)


def oldest_good(cloud: Cloud, instance: str, database: str) -> Entry | None:
    """The export since which there is something to restore."""
    keys = cloud.ledger.keys(catalogue_folder(instance, database))
    return next((entry for entry in _read(cloud, keys, newest_first=False) if entry.good), None)


def _read(cloud: Cloud, keys: tuple[str, ...], *, newest_first: bool = True) -> Iterator[Entry]:
    """`keys`: of entries and of acceptances beside them."""
    accepted = {key for key in keys if key.endswith(_ACCEPTED)}
    own = [key for key in keys if key not in accepted]
    for key in reversed(own) if newest_first else own:
        content = cloud.ledger.read(key)
        if content is None:
            continue
        try:
            entry = catalogue.decode(content)
            beside = key.removesuffix(".json") + _ACCEPTED
            word = cloud.ledger.read(beside) if beside in accepted else None
            yield entry if word is None else replace(entry, acceptance=acceptance.decode(word))
        except InvalidRecord as error:
            _tell_damaged(cloud, key, error)


def _tell_damaged(cloud: Cloud, key: str, error: InvalidRecord) -> None:
    about = key.removeprefix("catalogue/").removesuffix(".json")
    text = f"The entry {key} of the catalogue is damaged and counts as none: {error}"
    tell(cloud, about, "export.entry_damaged", text, instance=about.partition("/")[0], entry=key)
