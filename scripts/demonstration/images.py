"""What is pushed in the demonstration: images of the sample service, or of this repository's reference backend."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.local_cloud.cloud import sample

BACKEND = Path(__file__).resolve().parents[2] / "dockerfiles" / "reference" / "backend"
_INSTALL_SECONDS_MAX = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Images of one service. path, web_socket_path: what its users ask for; node: the program, "" for the sample."""

    path: str = "/"
    web_socket_path: str = "/ws"
    node: str = ""

    @property
    def faults_at_run_time(self) -> bool:
        """Whether a running container can be told to turn bad."""
        return not self.node

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
        settings = (f"RELEASE={tag}", f"FAULT_ERROR_RATE={error_rate}", f"FAULT_LATENCY_MS={latency_ms}")
        environment = ("HOST=127.0.0.1", "LOG_LEVEL=warn", *settings)
        return ("/usr/bin/env", *environment, self.node, str(BACKEND / "src" / "server.js"))


def reference() -> Images:
    """The Fastify backend, its packages installed from their lock file. Raises SystemExit where there is no Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        sys.exit("--services reference needs Node 20 or newer with npm.")
    if not (BACKEND / "node_modules").is_dir():
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=BACKEND, capture_output=True, text=True, timeout=_INSTALL_SECONDS_MAX)
        if done.returncode:
            sys.exit(f"npm ci of the reference backend failed:\n{done.stderr}")
    return Images(path="/", web_socket_path="/rooms/lobby/socket", node=node)
