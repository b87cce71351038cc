"""The ledger over the wire: Google's client against fake-gcs-server."""

import itertools
import json
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from scripts.local_cloud.storage import FakeGcs
from shared.adapters import storage
from shared.adapters.storage import EMULATOR_VARIABLE, FREEZE, StorageLedger
from shared.errors import Conflict, Unavailable

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[FakeGcs]:
    running = FakeGcs()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def ledger(server: FakeGcs, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageLedger]:
    """Each test has a bucket of its own."""
    bucket = f"ledger-{next(NUMBERS)}"
    server.make_bucket(bucket)
    monkeypatch.setenv(EMULATOR_VARIABLE, server.url)
    made = StorageLedger(bucket)
    yield made
    made.close()


def test_an_entry_is_written_once_and_never_replaced(ledger: StorageLedger) -> None:
    assert ledger.append("rollouts/web/000001-rollout.started.json", b'{"n": 1}')
    assert not ledger.append("rollouts/web/000001-rollout.started.json", b'{"n": 2}')
    assert ledger.read("rollouts/web/000001-rollout.started.json") == b'{"n": 1}'


def test_of_many_writers_of_one_key_exactly_one_is_told_that_it_was_first(ledger: StorageLedger) -> None:
    with ThreadPoolExecutor(8) as writers:
        told = list(writers.map(lambda n: ledger.append("race.json", str(n).encode()), range(8)))
    assert told.count(True) == 1
    assert ledger.read("race.json") == str(told.index(True)).encode()


def test_what_is_not_there_reads_as_none(ledger: StorageLedger) -> None:
    assert ledger.read("missing.json") is None


def test_existing_names_the_written_keys_in_any_folder_and_no_neighbour(ledger: StorageLedger) -> None:
    for key in ("a/1", "a/11", "a/2", "b/1", "top"):
        ledger.append(key, b"{}")
    assert ledger.existing(["a/1", "a/2", "a/3", "b/1", "b/0", "top", "c/9"]) == {"a/1", "a/2", "b/1", "top"}
    assert ledger.existing([]) == frozenset()


def test_newest_is_the_last_key_after_the_given_one_across_pages(ledger: StorageLedger) -> None:
    for number in range(1, 6):
        ledger.append(f"web/{number:06}-x", b"{}")
    ledger.append("web2/000009-x", b"{}")
    assert ledger.newest("web/", "") == "web/000005-x"
    assert ledger.newest("web/", "web/000004-x") == "web/000005-x"
    assert ledger.newest("web/", "web/000005-x") == ""
    assert ledger.newest("nobody/", "") == ""


def at(minute: int) -> datetime:
    return datetime(2026, 11, 23, 12, minute, tzinfo=UTC)


def test_a_freeze_is_set_changed_and_lifted(ledger: StorageLedger) -> None:
    assert ledger.freeze() == ""
    assert ledger.set_freeze("amina", "the big match", at(1))
    assert ledger.freeze() == "the big match"
    assert ledger.set_freeze("amina", "apply running", at(2))
    assert ledger.freeze() == "apply running"
    assert json.loads(ledger.read(FREEZE) or b"")["reason"] == "apply running"  # what an older version reads
    assert ledger.set_freeze("amina", "", at(3))
    assert ledger.freeze() == ""


def test_a_window_that_ends_leaves_the_stop_of_a_person(ledger: StorageLedger) -> None:
    ledger.set_freeze("a window", "weekend", at(1))
    ledger.set_freeze("amina", "stop", at(2))
    assert ledger.freeze() == "weekend; stop"
    left = ledger.set_freeze("a window", "", at(3))
    assert left
    assert (left.reason, ledger.freeze()) == ("stop", "stop")
    ledger.set_freeze("*", "", at(4))
    assert ledger.freeze() == ""


def test_a_freeze_of_an_older_version_or_a_hand_holds_until_everybodys_is_lifted(ledger: StorageLedger) -> None:
    ledger._control.blob(FREEZE).upload_from_string('{"reason": "rollout_command is down"}')
    assert ledger.freeze() == "rollout_command is down"
    assert ledger.set_freeze("*", "", at(1))
    assert ledger.freeze() == ""


def test_a_freeze_that_comes_after_its_own_lifting_changes_nothing(ledger: StorageLedger) -> None:
    assert ledger.set_freeze("amina", "", at(3))
    assert not ledger.set_freeze("amina", "the big match, delivered late", at(1))
    assert ledger.freeze() == ""
    assert ledger.set_freeze("amina", "", at(3))


def test_two_freezes_at_the_same_moment_conflict(ledger: StorageLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.set_freeze("amina", "first", at(1))
    read = ledger._control.get_blob(FREEZE)

    def read_before_a_second() -> bytes | None:
        text = ledger.read(FREEZE)
        ledger._control.blob(FREEZE).upload_from_string(json.dumps({"reason": "second", "at": at(2).isoformat()}))
        return text

    monkeypatch.setattr(read, "download_as_bytes", lambda **_options: read_before_a_second())
    monkeypatch.setattr(ledger._control, "get_blob", lambda *_args, **_options: read)
    with pytest.raises(Conflict):
        ledger.set_freeze("amina", "third, decided on the first", at(3))
    assert ledger.freeze() == "second"


def test_the_freeze_may_live_where_no_retention_policy_keeps_it(ledger: StorageLedger, server: FakeGcs) -> None:
    server.make_bucket("control-bucket")
    both = StorageLedger(ledger._name, "control-bucket")
    both.set_freeze("amina", "match", at(1))
    assert (both.freeze(), both.read(FREEZE), ledger.freeze()) == ("match", None, "")
    both.close()


def test_a_service_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv(EMULATOR_VARIABLE, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setattr(storage, "RETRY", storage.RETRY.with_timeout(0.1))
        ledger = StorageLedger("ledger")
        with pytest.raises(Unavailable):
            ledger.append("a", b"{}")
        with pytest.raises(Unavailable):
            ledger.read("a")
        with pytest.raises(Unavailable):
            ledger.existing(["a"])
        ledger.close()


def test_the_emulator_is_refused_on_cloud_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EMULATOR_VARIABLE, "http://127.0.0.1:1")
    monkeypatch.setenv("K_SERVICE", "notify")
    with pytest.raises(RuntimeError, match=EMULATOR_VARIABLE):
        StorageLedger("ledger").read("a")


def test_the_server_dies_with_its_owner_and_frees_its_port() -> None:
    gcs = FakeGcs("one", "two")
    gcs.start()
    process = gcs._process
    assert process is not None
    gcs.stop()
    assert process.poll() is not None
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", gcs.port)) != 0
    assert EMULATOR_VARIABLE not in os.environ


class _Refusing(BaseHTTPRequestHandler):
    """Has nothing, and knows what it was asked for."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path.partition("?")[0])
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def test_nobody_asks_for_the_bucket_itself_which_its_reader_may_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), _Refusing) as refusing:
        serving = threading.Thread(target=refusing.serve_forever)
        serving.start()
        monkeypatch.setenv(EMULATOR_VARIABLE, f"http://127.0.0.1:{refusing.server_port}")
        monkeypatch.delenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", raising=False)
        known, ledger = set(threading.enumerate()), StorageLedger("ledger")
        try:
            assert ledger.read("services/web/1.json") is None
            for started in set(threading.enumerate()) - known:
                started.join()
        finally:
            ledger.close()
            refusing.shutdown()
            serving.join()
    assert _Refusing.asked
    assert "/storage/v1/b/ledger" not in _Refusing.asked
