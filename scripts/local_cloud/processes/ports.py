"""Ports on loopback for processes that cannot tell which one they got."""

import contextlib
import random
import socket

HOST = "127.0.0.1"
# Below those that systems hand out to outgoing connections (32768 on Linux, 49152 elsewhere): nobody who merely
# connects takes one meanwhile, and a connection to one that nobody listens on yet cannot meet itself.
RANGE = range(20_000, 32_768)
_given: set[int] = set()
_dice = random.SystemRandom()


def free_port() -> int:
    """One that is free now and was not given before; whoever is told it should listen soon. Raises OSError."""
    for _ in range(len(RANGE)):
        port = _dice.choice(RANGE)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError(f"no port is free from {RANGE.start} to {RANGE.stop - 1}")


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.bind((HOST, port))
        return True
    return False
