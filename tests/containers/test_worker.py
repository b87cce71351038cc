"""The worker's container: it finishes what it has in hand when it is told to end."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from scripts.local_cloud.sql.postgres import PostgreSQL
from tests.containers.subject import FIGURES, Images, running
from tests.dockerfiles.load import until

INSERT = "INSERT INTO messages (room, author, text, key) VALUES ('lagos', 'amina', '{text}', '{text}')"
DELIVERED = """
    SELECT text FROM messages m JOIN notifications n ON n.message_id = m.id WHERE delivered_at IS NOT NULL ORDER BY n.id
"""


class PushService(ThreadingHTTPServer):
    """Answers only what it is allowed to. arrived: what it has been sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrived: list[str] = []
        self.may_answer = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: PushService

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.arrived.append(body["text"])
        self.server.may_answer.wait(8)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_sigterm_lets_it_finish_what_it_has_in_hand(images: Images, database: PostgreSQL) -> None:
    database.query("CREATE DATABASE work")
    address = database.url("work")
    migrated = images.engine.run(images.of("backend"), "dist/migrate.js", environment={"DATABASE_URL": address})
    assert migrated.status == 0, migrated.output
    for text in ("in hand", "the next"):
        database.query(INSERT.format(text=text), "work")
    service = PushService()
    environment = {"DATABASE_URL": address, "PUSH_URL": service.url, "POLL_MS": "50"}
    with running(images.engine, images.of("worker"), environment) as one:
        until(lambda: service.arrived == ["in hand"], f"taken:\n{one.log()}")
        began = time.monotonic()
        one.sigterm()
        until(lambda: "SIGTERM" in one.log(), "told")
        service.may_answer.set()
        status = one.ended()
        seconds = time.monotonic() - began
    FIGURES.append(f"worker: ended in {seconds:.1f} s with the delivery it had in hand")
    assert (status, service.arrived) == (0, ["in hand"])
    assert database.query(DELIVERED, "work").splitlines() == ["in hand"]
    assert seconds < 10

    with running(images.engine, images.of("worker"), environment):
        until(lambda: database.query(DELIVERED, "work").splitlines() == ["in hand", "the next"], "the rest")
    service.shutdown()
    service.server_close()
