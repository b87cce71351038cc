"""Value objects: dataclasses that are frozen, take their fields by name, and load in a third of the time.

`dataclasses` writes and compiles six methods for every class; only `__init__` differs by more than the fields' names.
"""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, Final, TypeVar, dataclass_transform

Kind = TypeVar("Kind")
_OMITTED: Final = object()
_set: Final = object.__setattr__


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(kind: type[Kind]) -> type[Kind]:
    """As `dataclass(frozen=True, slots=True, kw_only=True)`; the methods do the same."""
    kind.__doc__ = kind.__doc__ or kind.__name__  # else it would be written out of a signature
    made: Any = dataclass(slots=True, kw_only=True, init=False, eq=False, repr=False)(kind)
    own = fields(made)
    names = tuple(row.name for row in own)
    compared = tuple(row.name for row in own if row.compare)
    shown = tuple(row.name for row in own if row.repr)
    content = attrgetter(*compared) if compared else _nothing

    def equals(self: Any, other: object) -> bool:
        return bool(content(self) == content(other)) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(content(self))

    def told(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def kept(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def restored(self: Any, state: Sequence[Any]) -> None:
        for name, one in zip(names, state, strict=True):
            _set(self, name, one)

    made.__init__ = _initialiser(own)
    made.__setattr__, made.__delattr__ = _unchanged, _unchanged
    made.__eq__, made.__hash__, made.__repr__ = equals, hashed, told
    made.__getstate__, made.__setstate__ = kept, restored
    return made  # type: ignore[no-any-return]


def _initialiser(own: "Sequence[Field[Any]]") -> Callable[..., None]:
    """Takes every field by its name; what is left out has its default."""
    known: dict[str, Any] = {"_set": _set, "_OMITTED": _OMITTED}
    parameters, lines = ["self"] + ["*"] * bool(own), []
    for row in own:
        name, given = row.name, row.name
        if row.default_factory is not MISSING:
            known[f"_default_{name}"] = row.default_factory
            given = f"_default_{name}() if {name} is _OMITTED else {name}"
            parameters.append(f"{name}=_OMITTED")
        elif row.default is not MISSING:
            known[f"_default_{name}"] = row.default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        lines.append(f"    _set(self, {name!r}, {given})")
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines or ["    pass"]), known)  # noqa: S102 - as `dataclasses`
    return known["__init__"]  # type: ignore[no-any-return]


def _unchanged(_: Any, name: str, *__: Any) -> None:
    raise FrozenInstanceError(f"cannot change field {name!r}")


def _nothing(_: object) -> tuple[()]:
    return ()
