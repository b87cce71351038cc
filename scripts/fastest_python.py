"""Prints the Python to make the virtual environment of: the quickest that suits, of those on PATH or those named.

3.11 goes before anything newer, for the functions run on it, and `python3` before others unless one is clearly quicker:
a build without profile-guided optimisation takes a third more time for everything. Ends with 1 when none suits.
Any Python from 3.7 on runs this, with nothing installed.
"""

import os
import subprocess
import sys
from operator import truediv
from pathlib import Path
from statistics import median

NAMES = (("python3", "python3.11"), ("python3.12", "python3.13"))  # the second when none of the first suits
OLDEST = (3, 11)
CLEARLY = 0.9  # of the time of the one before
ROUNDS = 7  # in turns: the median of how they compare, so that what else the machine does slows both alike
PROBE = """
import ensurepip, os, sys, time, venv
def spin():
    began, counts = time.process_time(), {}
    for number in range(10000):
        key = str(number % 97)
        counts[key] = counts.get(key, 0) + 1
    return time.process_time() - began
print(*sys.version_info[:2], min(spin() for _ in range(20)), os.path.realpath(sys.executable))
"""


def on_path(names: "tuple[str, ...]") -> "list[str]":
    """Every one once, in the order of the names and of PATH."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = [str(Path(folder, name).resolve()) for name in names for folder in folders]
    return list(dict.fromkeys(path for path in found if os.access(path, os.X_OK)))


def probed(path: str) -> "tuple[tuple[int, int], float, str] | None":
    """Version, seconds and executable; None of one that does not run, is too old or makes no environment."""
    try:
        answer = subprocess.run([path, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    major, minor, seconds, executable = answer.stdout.decode().split(maxsplit=3)
    version = int(major), int(minor)
    return (version, float(seconds), executable.strip()) if version >= OLDEST else None


def fastest(paths: "list[str]") -> "str | None":
    """The executable; None when none suits."""
    found = [(path, answer) for path, answer in zip(paths, map(probed, paths)) if answer]  # noqa: B905  Python 3.7
    ours = [(path, answer) for path, answer in found if answer[0] == OLDEST]
    executables: dict[str, str] = {}
    for path, (_, _, executable) in ours or found:
        executables.setdefault(executable, path)
    if not executables:
        return None
    chosen, *others = executables
    taken: dict[str, list[float]] = {executable: [] for executable in executables}
    for _ in range(ROUNDS if others else 0):
        for executable, path in executables.items():
            answer = probed(path)
            taken[executable].append(answer[1] if answer else float("inf"))
    for executable in others:
        if median(map(truediv, taken[executable], taken[chosen])) < CLEARLY:
            chosen = executable
    return chosen


if __name__ == "__main__":
    groups = [sys.argv[1:]] if sys.argv[1:] else map(on_path, NAMES)
    answer = next(filter(None, map(fastest, groups)), None)
    if answer is None:
        sys.exit(1)
    print(answer)
