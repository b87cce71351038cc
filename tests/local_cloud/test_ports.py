"""Ports are given once, are free, and are none that an outgoing connection may get."""

import socket
from pathlib import Path

from scripts.local_cloud.processes.ports import HOST, RANGE, free_port, listens


def test_no_port_is_given_twice_and_none_that_is_taken() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == len(ports)
    assert all(port in RANGE for port in ports)
    with socket.create_server((HOST, ports[0])):
        assert listens(ports[0])
    assert not listens(ports[1])


def test_the_system_gives_none_of_them_to_an_outgoing_connection() -> None:
    settings = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(settings.read_text().split()[0]) if settings.exists() else 49_152
    assert RANGE.stop <= first
