"""Tuples with names, declared as `typing` does it. That module alone takes longer to load than the whole judge."""

from collections import namedtuple

TYPE_CHECKING = False  # as that module has it, for those who check types
if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Declared(type):
        """Annotated names of a class body become the fields of a tuple, and what they are set to their defaults."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body["__annotations__"]
            defaults = [body.pop(field) for field in fields if field in body]
            plain = namedtuple(name, fields, defaults=defaults)  # noqa: PYI024  # its types are in the annotations
            for said, value in body.items():
                setattr(plain, said, value)
            return plain

    class NamedTuple(metaclass=_Declared):
        """See `typing.NamedTuple`."""


__all__ = ["NamedTuple"]
