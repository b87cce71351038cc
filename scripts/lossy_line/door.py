"""The server's end: a port there, behind which is a program on this machine's loopback."""

import asyncio
import contextlib
import socket

from scripts.lossy_line.namespaces import Namespace

_CHUNK = 1 << 16
_LOOPBACK = "127.0.0.1"


async def lead(end: Namespace, address: str, port: int, to_port: int) -> asyncio.Server:
    """Whoever connects to the address is passed on, byte by byte."""

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner, outer = await asyncio.open_connection(_LOOPBACK, to_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, outer), _copy(inner, writer))

    with end.entered():
        listening = socket.create_server((address, port), backlog=128)
    return await asyncio.start_server(passed_on, sock=listening)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Until the source ends, or either breaks: then the other side learns it too."""
    with contextlib.suppress(OSError):
        while piece := await source.read(_CHUNK):
            target.write(piece)
            await target.drain()
    target.close()
