"""What a process and its children have used of the processors: a clock that others on the machine hardly disturb."""

import time
from contextlib import suppress
from pathlib import Path


def used(process: int) -> float:
    """Seconds so far, by the process of this id and all that it started and that still run. On Linux alone.

    A process's own clock has an id made of its process id: https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html
    """
    with suppress(OSError):  # it has ended
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        return time.clock_gettime((~process << 3) | 2) + sum(used(int(child)) for child in children)
    return 0.0
