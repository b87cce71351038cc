"""Google's Pub/Sub emulator as a child process on loopback."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.local_cloud.processes import child
from scripts.local_cloud.processes.ports import free_port, listens
from tests.tools import java, pubsub_emulator

START_SECONDS_MAX = 120.0  # Java on a busy machine
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # half the start-up time of the defaults


@contextmanager
def google_emulator(directory: Path) -> Iterator[int]:
    """Its port, once it listens; it ends with the block, or with this process."""
    port = free_port()
    log = directory / "emulator.log"
    command = [java(), *QUICK, "-jar", pubsub_emulator(), "--host=127.0.0.1", f"--port={port}"]
    process = child.spawn(command, environment={}, log=log)
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"the emulator did not listen within {START_SECONDS_MAX:g} s"
            time.sleep(0.02)
        yield port
    finally:
        child.stop(process, grace_seconds=1)
