"""Two releases of the reference frontend that differ in one word of one client component."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from scripts.local_cloud.assets import files_below
from tests.tools import required

CHANGED = "app/room.jsx"
BEFORE, AFTER = "<button>Send</button>", "<button>Send it</button>"
BUILD_SECONDS_MAX = 600


class Build(NamedTuple):
    """release: its name; image: what the container holds; files: its own, by their names in the assets bucket."""

    release: str
    image: Path
    files: dict[str, bytes]

    @property
    def command(self) -> tuple[str, ...]:
        node = required("node", shutil.which("node"))
        return ("/usr/bin/env", "NODE_ENV=production", "HOSTNAME=127.0.0.1", node, str(self.image / "server.js"))


def two_builds(frontend: Path, directory: Path) -> tuple[Build, Build]:
    """frontend: an installed copy of its sources, which is changed."""
    first = _built(frontend, "one", directory / "one")
    source = frontend / CHANGED
    text = source.read_text()
    assert text.count(BEFORE) == 1
    source.write_text(text.replace(BEFORE, AFTER))
    return first, _built(frontend, "two", directory / "two")


def _built(frontend: Path, release: str, image: Path) -> Build:
    """As dockerfiles/nextjs.Dockerfile builds it."""
    npm = required("npm", shutil.which("npm"))
    environment = {**os.environ, "NEXT_TELEMETRY_DISABLED": "1", "DEPLOYMENT_ID": release}
    command = [npm, "run", "build"]
    done = subprocess.run(
        command, cwd=frontend, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(frontend / ".next" / "standalone", image, symlinks=True)
    static = frontend / ".next" / "static"
    shutil.copytree(static, image / ".next" / "static")
    shutil.copytree(frontend / "public", image / "public", dirs_exist_ok=True)
    return Build(release, image, files_below(static))
