"""Value objects: dataclasses that are frozen, take their fields by name, and load in half the time.

`dataclasses` writes and compiles six methods for every class; those that only compare and show are the same for all.
"""

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

Kind = TypeVar("Kind")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(kind: type[Kind]) -> type[Kind]:
    """As `dataclass(frozen=True, slots=True, kw_only=True)`; the methods do the same."""
    made = dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)(kind)
    compared = tuple(row.name for row in fields(made) if row.compare)  # type: ignore[arg-type]  # it is a dataclass
    shown = tuple(row.name for row in fields(made) if row.repr)  # type: ignore[arg-type]
    content = attrgetter(*compared) if compared else _nothing

    def equals(self: Any, other: object) -> bool:
        return bool(content(self) == content(other)) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(content(self))

    def told(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    made.__eq__ = equals  # type: ignore[method-assign]
    made.__hash__ = hashed  # type: ignore[method-assign]
    made.__repr__ = told  # type: ignore[method-assign]
    return made


def _nothing(_: object) -> tuple[()]:
    return ()
