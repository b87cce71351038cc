"""What a script says when it is run by a Python without the pinned packages; it needs nothing itself."""

import sys
from pathlib import Path


def sentence(error: ImportError) -> str:
    """What to run instead; `sys.exit` prints it."""
    script = Path(sys.argv[0])
    return (
        f"This Python ({sys.executable}) lacks what {script.name} needs ({error}): run `.venv/bin/python "
        f"scripts/{script.name}` from the repository; `scripts/demo --help` makes .venv."
    )
