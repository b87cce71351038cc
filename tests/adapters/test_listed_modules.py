"""What the listing of a directory finds is what Python finds."""

import py_compile
import sys
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from pathlib import Path
from types import ModuleType

import pytest

from shared.adapters import listed_modules
from tests.adapters.fresh_process import alone

NAMED = "plain"


def made(directory: Path, name: str, source: str) -> Path:
    file = directory / f"{name}.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(source)
    return file


def value(directory: Path) -> object:
    """What `plain` says when it is loaded from the directory now."""
    spec = listed_modules.listed(NAMED, [str(directory)])
    assert spec is not None
    assert spec.loader is not None
    module = ModuleType(NAMED)
    spec.loader.exec_module(module)
    return module.__dict__["told"]


def test_every_module_of_the_clients_is_found_as_python_finds_it() -> None:
    told = """
from importlib.machinery import PathFinder
from shared.adapters import cloud_run, cloud_sql, listed_modules, monitoring, pubsub, storage
packages = {name: module.__path__ for name, module in sys.modules.items() if hasattr(module, "__path__")}
names = [name for name in list(sys.modules) if name.rpartition(".")[0] in packages]
def said(spec):
    places = spec.submodule_search_locations
    return [spec.name, spec.origin, spec.cached, spec.has_location, spec.parent, places and list(places)]
told, found = [], 0
for name in names:
    path = packages[name.rpartition(".")[0]]
    ours, python = listed_modules.listed(name, path), PathFinder.find_spec(name, path)
    if ours is not None:
        found += 1
        if said(ours) != said(python) or ours.loader.get_code(name) != python.loader.get_code(name):
            told.append(name)
told += [found > 400]
"""
    assert alone(told) == [True]


def test_fresh_bytecode_is_taken_and_stale_bytecode_is_not(tmp_path: Path) -> None:
    file = made(tmp_path, NAMED, "told = 'first'")
    py_compile.compile(str(file))
    cached = next((tmp_path / "__pycache__").iterdir())
    compiled = cached.read_bytes()
    assert value(tmp_path) == "first"
    cached.write_bytes(compiled.replace(b"first", b"taken"))
    assert value(tmp_path) == "taken"
    file.write_text("told = 'a later one'")
    assert value(tmp_path) == "a later one"


@pytest.mark.parametrize("kept", [b"", b"none of this version's" * 2])
def test_without_bytecode_of_this_version_the_source_is_compiled(tmp_path: Path, kept: bytes) -> None:
    file = made(tmp_path, NAMED, "told = 'compiled'")
    if kept:
        py_compile.compile(str(file))
        next((tmp_path / "__pycache__").iterdir()).write_bytes(kept)
    assert value(tmp_path) == "compiled"


def test_bytecode_that_names_its_source_by_content_is_left_to_python(tmp_path: Path) -> None:
    file = made(tmp_path, NAMED, "told = 'first'")
    py_compile.compile(str(file), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    file.write_text("told = 'other'")
    assert value(tmp_path) == "other"


def test_a_package_comes_before_a_module_of_its_name_and_an_extension_too(tmp_path: Path) -> None:
    made(tmp_path, NAMED, "told = 'module'")
    made(tmp_path / NAMED, "__init__", "told = 'package'")
    assert value(tmp_path) == "package"
    made(tmp_path, "compiled", "")
    (tmp_path / f"compiled{EXTENSION_SUFFIXES[0]}").touch()
    assert listed_modules.listed("compiled", [str(tmp_path)]) is None


def test_the_first_directory_that_has_one_counts(tmp_path: Path) -> None:
    made(tmp_path / "second", NAMED, "told = 'second'")
    made(tmp_path / "third", NAMED, "told = 'third'")
    spec = listed_modules.listed(NAMED, [str(tmp_path / "none"), str(tmp_path / "second"), str(tmp_path / "third")])
    assert spec is not None
    assert spec.origin == str(tmp_path / "second" / f"{NAMED}.py")


def test_what_is_no_plain_module_python_looks_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path = [str(tmp_path)]
    assert listed_modules.listed("folder", path) is None
    assert listed_modules.listed("missing", path) is None
    assert listed_modules.listed(NAMED, None) is None
    made(tmp_path, "appeared", "")
    assert listed_modules.listed("appeared", path) is None
    PathFinder.invalidate_caches()
    found = listed_modules.find_spec("appeared", path)
    assert found is not None
    assert found.origin == str(tmp_path / "appeared.py")


def test_bytecode_that_lies_elsewhere_is_left_to_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, NAMED, "told = 1")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    assert listed_modules.listed(NAMED, [str(tmp_path)]) is None
