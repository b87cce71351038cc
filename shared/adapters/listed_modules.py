"""Modules found in the listing of their directory, which is read once.

Python asks the file system for every module where it lies and whether that is still so, and once more for its bytecode.
A cold start loads 350 modules, and in a function's sandbox every question to the file system is dear. Bytecode is still
compared with its source. What is no plain module or package Python finds itself, as it does what appears later.
"""

import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import (  # type: ignore[attr-defined]  # importlib.util would cost what is saved here
    EXTENSION_SUFFIXES,
    MAGIC_NUMBER,
    PathFinder,
    SourceFileLoader,
    _compile_bytecode,
    _pack_uint32,
    cache_from_source,
)
from collections.abc import Sequence
from os import listdir
from types import CodeType

_CACHED = cache_from_source("module.py").partition("module")  # "__pycache__/", the name, ".cpython-311.pyc"
_FRESH = MAGIC_NUMBER + _pack_uint32(0)  # its source's time and size follow, then the code
_listings: dict[str, frozenset[str]] = {}


def find_spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """As `PathFinder.find_spec`."""
    return listed(name, path) or PathFinder.find_spec(name, path)


def listed(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """A plain module or package inside of a package; None for any other, which may exist all the same."""
    if path is None or sys.pycache_prefix is not None:
        return None
    tail = name.rpartition(".")[2]
    for directory in path:
        names = _listing(directory)
        if tail in names and "__init__.py" in _listing(f"{directory}/{tail}"):
            return _spec(name, f"{directory}/{tail}", "__init__", package=True)
        if any(f"{tail}{suffix}" in names for suffix in EXTENSION_SUFFIXES):
            return None
        if f"{tail}.py" in names:
            return _spec(name, directory, tail, package=False)
    return None


def _listing(directory: str) -> frozenset[str]:
    names = _listings.get(directory)
    if names is None:
        try:
            names = frozenset(listdir(directory))  # noqa: PTH208  # a Path of each is not wanted
        except OSError:  # no directory, or none that can be read
            names = frozenset()
        _listings[directory] = names
    return names


def _spec(name: str, directory: str, stem: str, *, package: bool) -> ModuleSpec:
    file, cached = f"{directory}/{stem}.py", f"{directory}/{_CACHED[0]}{stem}{_CACHED[2]}"
    spec = ModuleSpec(name, _Loader(name, file, cached), origin=file, is_package=package)
    spec.cached, spec.has_location = cached, True
    if spec.submodule_search_locations is not None:
        spec.submodule_search_locations.append(directory)
    return spec


class _Loader(SourceFileLoader):
    """Takes fresh bytecode from where it is known to lie."""

    def __init__(self, name: str, path: str, cached: str) -> None:
        super().__init__(name, path)
        self._cached = cached

    def get_code(self, fullname: str) -> CodeType | None:
        try:
            data, source = self.get_data(self._cached), self.path_stats(self.path)
        except OSError:
            return super().get_code(fullname)
        if data[:16] != _FRESH + _pack_uint32(source["mtime"]) + _pack_uint32(source["size"]):
            return super().get_code(fullname)
        code: CodeType = _compile_bytecode(memoryview(data)[16:], fullname, self._cached, self.path)
        return code
