"""Runs a command at the far end of a slow line, at whose other end is a server on this machine. Linux, root.

    python -m scripts.lossy_line 2G http://127.0.0.1:3000 -- curl --output /dev/null http://10.78.0.1/

The command reaches http://10.78.0.1 and nothing else. Lines: those of shared/connectivity/lines.py.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.lossy_line.line import LossyLine
from scripts.lossy_line.namespaces import lacking
from shared.connectivity.lines import LINES


def main() -> int:
    """The command's own exit code; 2 for a wrong call or a machine that cannot have a line."""
    lines = {line.name: line for line in LINES}
    parser = argparse.ArgumentParser(
        prog="python -m scripts.lossy_line", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("line", choices=lines)
    parser.add_argument("url", help="the server's origin on this machine, such as http://127.0.0.1:3000")
    parser.add_argument("command", nargs="+", help="after --")
    asked = parser.parse_args()
    if missing := lacking():
        parser.error(f"a line needs {missing}")
    with tempfile.TemporaryDirectory() as directory, LossyLine(Path(directory) / "line.log") as line:
        line.become(lines[asked.line])
        line.lead_to(asked.url)
        code = subprocess.run(line.at_the_client(asked.command)).returncode
        for direction, counts in line.counts().items():
            said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
            print(f"{direction}: packets {said or 'none'}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
