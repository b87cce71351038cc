"""Code in a process of its own, where nothing is imported yet."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
LEAN = "from shared.adapters import lean_imports; lean_imports.install(); lean_imports.install()\n"


def alone(code: str) -> Any:
    """What `code` leaves in `told`, in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import json, sys\n{code}\nprint(json.dumps(told))"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
