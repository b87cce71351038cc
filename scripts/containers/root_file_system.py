"""A root file system made of this machine's files, as the tar archive an image is imported from."""

import io
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_LIBRARY = re.compile(r"(/\S+) \(0x")
_BY_NAME = ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2")  # opened at run time: no program names them
_DIRECTORIES = ("app", "dev", "etc", "proc", "root", "sys", "usr/bin", "var")


class RootFileSystem:
    """What is added belongs to root and is the same whenever the same is added. A context manager that closes it."""

    def __init__(self, archive: Path) -> None:
        self._archive = tarfile.open(archive, "w")  # noqa: SIM115 - closed by the context manager
        self._added: set[str] = set()
        for directory in _DIRECTORIES:
            self.directory(directory)
        self.directory("tmp", mode=0o1777)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def program(self, source: Path, name: str) -> None:
        """An executable with the libraries it is linked to."""
        self.file(source, name, mode=0o755)
        self.libraries([source])

    def libraries(self, programs: Iterable[Path]) -> None:
        """What these are linked to, and what the C library loads by name, where the loader looks for them."""
        found: set[Path] = set()
        for program in programs:
            linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
            found.update(Path(path) for path in _LIBRARY.findall(linked))
        beside = {library.parent for library in found if library.name == "libc.so.6"}
        found.update(directory / name for directory in beside for name in _BY_NAME if (directory / name).exists())
        for library in sorted(found):
            self.file(library, str(library), mode=0o755)

    def tree(self, source: Path, name: str, keeps: Callable[[Path], bool] = lambda _: True) -> None:
        """A directory with everything below it that `keeps`, which is asked with paths relative to it."""
        self.directory(name)
        for path in sorted(source.rglob("*")):
            below = path.relative_to(source)
            if not keeps(below):
                continue
            if path.is_symlink() and path.is_file() and path.resolve().is_relative_to(source.resolve()):
                self.link(f"{name}/{below}", str(path.readlink()))
            elif path.is_file():
                self.file(path, f"{name}/{below}", mode=path.stat().st_mode & 0o755)
            elif path.is_dir():
                self.directory(f"{name}/{below}")

    def file(self, source: Path, name: str, *, mode: int = 0o644) -> None:
        self.text(name, source.read_bytes(), mode=mode)

    def text(self, name: str, content: bytes, *, mode: int = 0o644) -> None:
        member = self._member(name, mode)
        if member is not None:
            member.size = len(content)
            self._archive.addfile(member, io.BytesIO(content))

    def link(self, name: str, target: str) -> None:
        member = self._member(name, 0o777)
        if member is not None:
            member.type = tarfile.SYMTYPE
            member.linkname = target
            self._archive.addfile(member)

    def directory(self, name: str, *, mode: int = 0o755) -> None:
        member = self._member(name, mode)
        if member is not None:
            member.type = tarfile.DIRTYPE
            self._archive.addfile(member)

    def _member(self, name: str, mode: int) -> tarfile.TarInfo | None:
        """None when it is there already. Times are 0 and owners root, so that the same tree is the same archive."""
        name = name.strip("/")
        if name in self._added:
            return None
        self._added.add(name)
        member = tarfile.TarInfo(name)
        member.mode = mode
        return member
