"""What is pushed in the demonstration: images of the sample service, or of this repository's reference backend."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from scripts.local_cloud.settings import sample
from scripts.local_cloud.sql.postgres import PostgreSQL

BACKEND = Path(__file__).resolve().parents[2] / "dockerfiles" / "reference" / "backend"
DATABASE = "chat"
EARLIER_SCHEMA = "0001-messages"  # of every release but one whose tag says that it expands
_INSTALL_SECONDS_MAX = 300
_CONNECTIONS_MAX = 100  # five of every revision that is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Images of one service. path, web_socket_path: what its users ask for; node: the program, "" for the sample.

    database: where the reference backend keeps its messages; it must run before the first image does.
    """

    path: str = "/"
    web_socket_path: str = "/ws"
    node: str = ""
    database: PostgreSQL | None = None

    @property
    def faults_at_run_time(self) -> bool:
        """Whether a running container can be told to turn bad."""
        return not self.node

    @property
    def startup_deadline(self) -> timedelta:
        """Node on a busy machine, and its database, take longer than the sample."""
        return timedelta(seconds=10 if self.node else 4)

    def command(
        self, tag: str, *, error_rate: float = 0.0, latency_ms: float = 0.0, listens: bool = True
    ) -> tuple[str, ...]:
        """The process that an image is, with the faults it is built with."""
        if not self.node:
            flags = ["--error-rate", str(error_rate)] if error_rate else []
            flags += ["--latency-ms", str(latency_ms)] if latency_ms else []
            return sample("--version", tag, *flags, *([] if listens else ["--never-listen"]))
        if not listens:
            return (self.node, "--eval", "setInterval(() => {}, 1000)", tag)
        settings = [f"RELEASE={tag}", f"FAULT_ERROR_RATE={error_rate}", f"FAULT_LATENCY_MS={latency_ms}"]
        if self.database is not None:
            until = "" if tag.endswith("-expand") else EARLIER_SCHEMA
            settings += [f"DATABASE_URL={self.database.url(DATABASE)}", f"MIGRATE_UNTIL={until}"]
        environment = ("HOST=127.0.0.1", "LOG_LEVEL=warn", *settings)
        return ("/usr/bin/env", *environment, self.node, str(BACKEND / "src" / "server.js"))


def reference(log: Path) -> Images:
    """The Fastify backend, its packages installed from their lock file. Raises SystemExit where there is no Node.

    log: of its PostgreSQL, which is not started yet.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        sys.exit("--services reference needs Node 20 or newer with npm.")
    if not (BACKEND / "node_modules").is_dir():
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=BACKEND, capture_output=True, text=True, timeout=_INSTALL_SECONDS_MAX)
        if done.returncode:
            sys.exit(f"npm ci of the reference backend failed:\n{done.stderr}")
    database = PostgreSQL(log, connections=_CONNECTIONS_MAX)
    return Images(path="/rooms/lobby/messages", web_socket_path="/rooms/lobby/socket", node=node, database=database)
