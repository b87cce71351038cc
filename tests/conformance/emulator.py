"""Google's Pub/Sub emulator as a child process on loopback."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.local_cloud import child
from tests.conformance.tools import java, pubsub_emulator

START_SECONDS_MAX = 30.0
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # half the start-up time of the defaults


@contextmanager
def google_emulator(directory: Path) -> Iterator[int]:
    """Its port, once it listens; it ends with the block, or with this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = directory / "emulator.log"
    command = [java(), *QUICK, "-jar", pubsub_emulator(), "--host=127.0.0.1", f"--port={port}"]
    process = child.spawn(command, environment={}, log=log)
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not _listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"the emulator did not listen within {START_SECONDS_MAX:g} s"
            time.sleep(0.02)
        yield port
    finally:
        child.stop(process, grace_seconds=1)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
