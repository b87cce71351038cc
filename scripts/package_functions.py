"""Builds one zip per function: its own files with `shared/` beside them, and nothing else.

    scripts/package_functions.py --output build/zips            all of them
    scripts/package_functions.py auto_rollback --output DIR     only some

The same tree gives the same bytes on any machine: entries are sorted, their times and modes fixed. A file's name
carries the hash of its content, so that a deploy happens when something changed and only then.
"""

import argparse
import hashlib
import io
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can name
_FILE_MODE = 0o100644 << 16
_HASH_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One function's zip, in memory."""

    function: str
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def file_name(self) -> str:
        return f"{self.function}-{self.digest[:_HASH_DIGITS]}.zip"

    def write(self, directory: Path) -> Path:
        """The path it was written to; older zips of the function are removed, for Terraform takes the one there is."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / self.file_name
        for old in directory.glob(f"{self.function}-*.zip"):
            old.unlink()
        path.write_bytes(self.content)
        return path


def functions() -> tuple[str, ...]:
    """The name of every function."""
    return tuple(sorted(path.parent.name for path in (REPOSITORY / "functions").glob("*/main.py")))


def package(function: str) -> Package:
    """The zip of one function. Raises ValueError when there is none of that name."""
    if function not in functions():
        raise ValueError(f"{function}: no such function; there are {', '.join(functions())}")
    home = REPOSITORY / "functions" / function
    entries = {path.relative_to(home).as_posix(): path for path in _sources(home)}
    entries |= {path.relative_to(REPOSITORY).as_posix(): path for path in _sources(REPOSITORY / "shared")}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            entry.external_attr = _FILE_MODE
            entry.create_system = 3  # Unix, wherever this runs
            # Stored, not deflated: what deflate writes differs between versions of zlib.
            archive.writestr(entry, entries[name].read_bytes(), zipfile.ZIP_STORED)
    return Package(function=function, content=buffer.getvalue())


def _sources(directory: Path) -> Iterable[Path]:
    """Python files and requirements; caches and whatever else lies about stay out."""
    for path in directory.rglob("*"):
        if path.is_file() and (path.suffix == ".py" or path.name == "requirements.txt"):
            yield path


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("function", nargs="*", help="which; all of them when none is named")
    parser.add_argument("--output", type=Path, required=True, help="the directory to write to")
    options = parser.parse_args()
    try:
        made = [package(name) for name in options.function or functions()]
    except ValueError as error:
        parser.error(str(error))
    for item in made:
        path = item.write(options.output)
        print(f"{item.function:16}  {len(item.content) / 1024:6.0f} KiB  {item.digest[:_HASH_DIGITS]}  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
