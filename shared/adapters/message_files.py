"""Whether a file of message classes is complete, asked in a cheaper order.

proto-plus asks it after every class, and goes through the fields of all classes so far before it looks whether the
file's manifest names one that is still missing. With sixty classes that is half of what making them costs.
"""

import sys
from _frozen_importlib import ModuleSpec
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from shared.adapters import listed_modules

if TYPE_CHECKING:
    from importlib.abc import Loader

MODULE: Final = "proto._file_info"
"""Where the library asks."""


def spec(module: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """As it would be found without us, but for the loader."""
    found = listed_modules.find_spec(module, path)
    if found is not None and found.loader is not None:
        found.loader = cast("Loader", _Loader(found.loader))  # by duck typing
    return found


class _Loader:
    """Runs the module as ever, then puts the quick question before the library's own."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own kind of module will do."""

    def exec_module(self, module: ModuleType) -> None:
        self._real.exec_module(module)
        files: Any = getattr(module, "_FileInfo", None)
        if hasattr(files, "ready"):
            files.ready = _none_missing_and(files.ready)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _none_missing_and(ready: Callable[[Any, type], bool]) -> Callable[[Any, type], bool]:
    """The same answer: the library, too, says no while a name of the manifest is missing."""

    def asked(file: Any, new_class: type) -> bool:
        module = sys.modules.get(new_class.__module__)
        manifest = getattr(getattr(module, "__protobuf__", None), "manifest", ())
        missing = any(name != new_class.__name__ and not hasattr(module, name) for name in manifest)
        return not missing and ready(file, new_class)

    return asked
