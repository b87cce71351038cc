"""Ports on loopback for processes that cannot tell which one they got."""

import contextlib
import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """One that is free now; whoever is told it should listen soon."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False
