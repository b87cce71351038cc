"""Network namespaces that nobody can reach but through a device of ours. Linux, root.

They have no name: a file descriptor holds each, so that they go with the process, however it ends.
"""

import ctypes
import fcntl
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

TUN = Path("/dev/net/tun")
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_SET_INTERFACE = 0x400454CA  # TUNSETIFF
_BARE_PACKETS = 0x1001  # IFF_TUN | IFF_NO_PI
_DEVICE = "line"
_OWN = "/proc/self/ns/net"


def lacking() -> str:
    """What this machine or this user lacks for a line, or ""."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "Linux and root, who may make network namespaces"
    if not TUN.exists():
        return str(TUN)
    missing = [program for program in ("ip", "nsenter") if which(program) is None]
    return f"the program {missing[0]}" if missing else ""


class Namespace:
    """One end of a line: a namespace with a loopback and one device, whose packets are read and written at `device`."""

    def __init__(self, address: str, peer: str, mtu: int) -> None:
        """Raises OSError where it cannot be made."""
        home = os.open(_OWN, os.O_RDONLY)
        try:
            _check("unshare", _libc().unshare(_NEW_NETWORK))
            self.descriptor = os.open(_OWN, os.O_RDONLY)
            self.device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.device, _SET_INTERFACE, struct.pack("16sH22x", _DEVICE.encode(), _BARE_PACKETS))
            for command in (
                ["link", "set", "lo", "up"],
                ["address", "add", address, "peer", peer, "dev", _DEVICE],
                ["link", "set", _DEVICE, "mtu", str(mtu), "up"],
            ):
                subprocess.run(["ip", *command], check=True)
        finally:
            _enter(home)
            os.close(home)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """A socket made inside belongs to this end for good. Only this thread is inside, so nothing may await."""
        home = os.open(_OWN, os.O_RDONLY)
        try:
            _enter(self.descriptor)
            yield
        finally:
            _enter(home)
            os.close(home)


def _enter(descriptor: int) -> None:
    _check("setns", _libc().setns(descriptor, _NEW_NETWORK))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(call: str, result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")
