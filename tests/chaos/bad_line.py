"""A line between a client and a server that delays what it carries and breaks, as drawn from a seed."""

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable

LIFE_SECONDS = (0.2, 4.0)  # of a connection, while the weather is bad
DELAY_SECONDS = (0.0, 0.15)  # before a piece of data goes on
REFUSED_SHARE = 0.1  # of new connections
_PIECE = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, as a cut line does


class BadLine:
    """Listens on an address of its own and carries every connection to `target` ("host:port").

    bad: whether it delays, refuses and breaks now; otherwise it only carries. broken: how many it has broken.
    ports: those at its own far end, by which a server knows whose line a connection came over.
    """

    def __init__(self, target: str, seed: int = 0) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self.address = "{}:{}".format(*self._listener.getsockname())
        self.bad = False
        self.broken = 0
        self.ports: set[int] = set()

    def start(self) -> None:
        self._begin(self._accept)

    def stop(self) -> None:
        """Returns when nothing is carried any more."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.bad and self._random.random() < REFUSED_SHARE:
                self._break(client)
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                self._break(client)
                continue
            self.ports.add(server.getsockname()[1])
            ends = time.monotonic() + self._random.uniform(*LIFE_SECONDS)
            with self._lock:
                self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                self._begin(self._carry, source, sink, ends)

    def _carry(self, source: socket.socket, sink: socket.socket, ends: float) -> None:
        """Until one side closes, or the line breaks."""
        source.settimeout(0.1)
        try:
            while not self._stopping.is_set():
                if self.bad and time.monotonic() > ends:
                    self.broken += 1
                    self._break(source)
                    break
                try:
                    data = source.recv(_PIECE)
                except TimeoutError:
                    continue
                if not data:
                    break
                if self.bad:
                    self._stopping.wait(self._random.uniform(*DELAY_SECONDS))
                sink.sendall(data)
        except OSError:
            pass  # the other half broke it
        finally:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._open.discard(source)
            source.close()

    def _begin(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    @staticmethod
    def _break(end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.close()
