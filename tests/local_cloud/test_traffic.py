import threading
from pathlib import Path

from scripts.local_cloud.data_plane.plane import LocalDataPlane
from scripts.local_cloud.traffic.driver import Traffic
from tests.local_cloud.waiting import wait_until

SAMPLE = ("{python}", "-m", "scripts.local_cloud.data_plane.sample_app")


def test_traffic_sees_the_split_the_errors_and_no_drop_while_percents_change(tmp_path: Path) -> None:
    plane = LocalDataPlane(tmp_path, sample_period_seconds=0.25)
    plane.start()
    try:
        start(plane, "web-1", [])
        start(plane, "web-2", ["--error-rate", "0.5", "--latency-ms", "20"])
        plane.route("web", {"web-1": 100}, {})
        traffic = Traffic(plane.service_uri("web"), 250, 3, log=tmp_path / "traffic.log")
        try:
            wait_until(lambda: traffic.snapshot()["websockets"]["open"] == 3)
            for share in (10, 50, 90, 50, 30):
                before = traffic.snapshot()["sent"]
                plane.route("web", {"web-1": 100 - share, "web-2": share}, {})
                wait_until(lambda goal=before + 80: traffic.snapshot()["sent"] >= goal)  # type: ignore[misc]
        finally:
            seen = traffic.stop()
        assert seen["dropped"] == 0
        assert seen["sent"] == seen["ok"] + seen["errors"] >= 400
        assert set(seen["revisions"]) == {"web-1", "web-2"}
        assert seen["revisions"]["web-1"]["errors"] == {}
        bad = seen["revisions"]["web-2"]
        assert abs(bad["ok"] - bad["errors"]["500"]) <= 1
        assert bad["p50_ms"] > 10
        assert seen["websockets"] == {
            "open": 0,
            "opened": 3,
            "asked_to_reconnect": 0,
            "unexpected_closes": 0,
            "refused": 0,
            "revisions": {},
        }
        assert traffic.snapshot() == seen
        served = plane.snapshot()
        assert served["dropped"] == 0
        counted = served["requests"]["web"]
        assert sum(counts.get("2xx", 0) for counts in counted.values()) == seen["ok"]
        assert counted["web-2"]["5xx"] == seen["errors"]
        assert counted["web-1"]["1xx"] == 3
    finally:
        plane.stop()


def test_a_drained_revision_asks_its_web_sockets_to_reconnect_and_they_do(tmp_path: Path) -> None:
    plane = LocalDataPlane(tmp_path)
    plane.start()
    try:
        start(plane, "web-1", [])
        start(plane, "web-2", [])
        plane.route("web", {"web-1": 100}, {})
        traffic = Traffic(plane.service_uri("web"), 0, 2)
        try:
            wait_until(lambda: traffic.snapshot()["websockets"]["revisions"] == {"web-1": 2})
            plane.route("web", {"web-2": 100}, {})
            plane.stop_revision("web", "web-1")
            wait_until(lambda: traffic.snapshot()["websockets"]["revisions"] == {"web-2": 2})
            traffic.set_rate(100)
            wait_until(lambda: traffic.snapshot()["ok"] >= 10)
        finally:
            seen = traffic.stop()
        assert seen["websockets"]["asked_to_reconnect"] == 2
        assert seen["websockets"]["unexpected_closes"] == 0
        assert set(seen["revisions"]) == {"web-2"}
        assert plane.snapshot()["dropped"] == 0
    finally:
        plane.stop()


def test_requests_nobody_answers_are_dropped(tmp_path: Path) -> None:
    traffic = Traffic("http://127.0.0.1:9", 50, 1, log=tmp_path / "traffic.log")
    try:
        wait_until(lambda: traffic.snapshot()["dropped"] >= 5)
        wait_until(lambda: traffic.snapshot()["websockets"]["refused"] >= 1)
    finally:
        seen = traffic.stop()
    assert seen["dropped"] == seen["sent"]


def start(plane: LocalDataPlane, revision: str, flags: list[str]) -> None:
    ready = threading.Event()
    plane.start_revision("web", revision, [*SAMPLE, *flags], {}, ready.set, print)
    assert ready.wait(10)
