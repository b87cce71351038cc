"""Push: every message of a subscription is posted to its endpoint, many at once, over connections kept open."""

import contextlib
import http.client
import math
import select
import socket
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import urlsplit

from scripts.local_cloud.pubsub.backlog import Delivery
from scripts.local_cloud.pubsub.push_request import push_body, push_headers
from scripts.local_cloud.pubsub.subscriptions import Subscription

ACKNOWLEDGING = {102, 200, 201, 202, 204}
"""https://cloud.google.com/pubsub/docs/push#receive_push"""

CONCURRENT_MAX = 32
CONNECT_SECONDS_MAX = 5.0


class Stopped(OSError):
    """The push was given up because delivery stops."""


class PushDelivery:
    """Delivers from `start` until `stop`; the endpoint and everything else is read anew for each push."""

    def __init__(self, subscription: Subscription, token_key: bytes) -> None:
        self._subscription = subscription
        self._token_key = token_key
        self._room = threading.Semaphore(CONCURRENT_MAX)
        self._stopping = threading.Event()
        self._connections = Connections()
        name = subscription.settings.name.rpartition("/")[2]
        self._workers = ThreadPoolExecutor(CONCURRENT_MAX, thread_name_prefix=f"push-{name}")
        self._dispatcher = threading.Thread(target=self._dispatch, name=f"dispatch-{name}")

    def start(self) -> None:
        self._dispatcher.start()

    def stop(self) -> None:
        """Ends every push in flight; their messages stay with the subscription."""
        self._stopping.set()
        self._subscription.wake()
        self._connections.close()
        self._dispatcher.join()
        self._workers.shutdown()

    def _dispatch(self) -> None:
        while not self._stopping.is_set() and not self._subscription.closed:
            self._room.acquire()
            # The push itself has the deadline, as its timeout, and always settles what it took.
            taken = self._subscription.take(1, lease_seconds=math.inf, cancelled=self._stopping.is_set)
            if not taken:
                self._room.release()
            for delivery in taken:
                # A bug in a push surfaces through the future's own log instead of vanishing with it.
                self._workers.submit(self._push, delivery).add_done_callback(Future.result)

    def _push(self, delivery: Delivery) -> None:
        problem = "the push broke off"
        try:
            problem = self._post(delivery)
        finally:
            if problem:
                self._subscription.nack([delivery.ack_id], problem)
            else:
                self._subscription.ack([delivery.ack_id])
            self._room.release()

    def _post(self, delivery: Delivery) -> str:
        """What went wrong, or nothing."""
        settings = self._subscription.settings
        body, headers = push_body(settings, delivery), push_headers(settings, self._token_key)
        try:
            status = self._connections.post(settings.push_endpoint, body, headers, settings.ack_deadline_seconds)
        except TimeoutError:
            return f"no answer from the push endpoint within {settings.ack_deadline_seconds:g} s"
        except (OSError, http.client.HTTPException) as error:
            return f"the push endpoint did not answer: {type(error).__name__}: {error}"
        return "" if status in ACKNOWLEDGING else f"the push endpoint answered HTTP {status}"


class Connections:
    """HTTP connections kept open between posts, by server. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str], deque[http.client.HTTPConnection]] = {}
        self._busy: set[http.client.HTTPConnection] = set()
        self._closed = False

    def post(self, url: str, body: bytes, headers: dict[str, str], timeout_seconds: float) -> int:
        """The answer's status. Raises OSError or HTTPException when there is none."""
        address = urlsplit(url)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        server = (address.scheme, address.netloc)
        connection = self._reuse(server)
        if connection is not None:
            with contextlib.suppress(ConnectionError):  # its server gave it up in this moment: no failure of the push
                return self._exchange(server, connection, target, body, headers, timeout_seconds)
        return self._exchange(server, self._connect(server), target, body, headers, timeout_seconds)

    def _exchange(
        self,
        server: tuple[str, str],
        connection: http.client.HTTPConnection,
        target: str,
        body: bytes,
        headers: dict[str, str],
        timeout_seconds: float,
    ) -> int:
        self._use(connection)
        reusable = False
        try:
            assert connection.sock is not None
            connection.sock.settimeout(timeout_seconds)
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            response.read()
            reusable = not response.will_close and response.status >= HTTPStatus.OK
            return response.status
        finally:
            self._give_back(server, connection, reusable=reusable)

    @staticmethod
    def _connect(server: tuple[str, str]) -> http.client.HTTPConnection:
        scheme, netloc = server
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        connection = kind(netloc, timeout=CONNECT_SECONDS_MAX)
        connection.connect()
        return connection

    def _use(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if not self._closed:
                self._busy.add(connection)
                return
        connection.close()
        raise Stopped("delivery stops")

    def _reuse(self, server: tuple[str, str]) -> http.client.HTTPConnection | None:
        """An open connection that its server has not hung up: an idle one that can be read from has been."""
        while True:
            with self._lock:
                idle = self._idle.get(server)
                if not idle:
                    return None
                connection = idle.pop()
            if connection.sock is not None and not _readable(connection.sock):
                return connection
            connection.close()

    def _give_back(self, server: tuple[str, str], connection: http.client.HTTPConnection, *, reusable: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            if reusable and not self._closed:
                self._idle.setdefault(server, deque()).append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Cuts off those in use, whose posts fail at once, and closes the idle."""
        with self._lock:
            self._closed = True
            idle = [connection for waiting in self._idle.values() for connection in waiting]
            self._idle.clear()
            for connection in self._busy:
                if connection.sock is not None:
                    with contextlib.suppress(OSError):  # the other side was faster
                        connection.sock.shutdown(socket.SHUT_RDWR)
        for connection in idle:
            connection.close()


def _readable(connection: socket.socket) -> bool:
    watch = select.poll()
    watch.register(connection, select.POLLIN)
    return bool(watch.poll(0))
