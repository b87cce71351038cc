"""The status tables show what runs where, and nothing that was never used."""

import io

from rich.console import Console

from scripts.local_cloud.status_view import tables

SUBSCRIPTION = {
    "topic": "projects/p/topics/gcr",
    "backlog": 0,
    "delivered": 0,
    "failed": 0,
    "dead_lettered": 0,
    "oldest_unacked_seconds": 0.0,
}
SNAPSHOT = {
    "service": {
        "name": "web",
        "uri": "http://127.0.0.1:7000",
        "rollout": "v2 abcdef0 is progressing",
        "serving": {"web-00001": 90, "web-00002": 10},
        "pin": "v1 was rolled back",
        "waiting": "",
        "frozen": "",
        "edited": "",
    },
    "data_plane": {
        "processes": [{"service": "web", "revision": "web-00002", "state": "ready"}],
        "requests": {"web": {"web-00002": {"2xx": 41, "5xx": 1}}},
        "web_sockets": {"web": {"web-00002": 3}},
        "dropped": 0,
    },
    "functions": {"notify": {"uri": "http://127.0.0.1:7001", "pid": 1, "running": False, "log": "notify.log"}},
    "pubsub": {
        "subscriptions": [
            {"name": "projects/p/subscriptions/image-pushed", **SUBSCRIPTION, "delivered": 7, "backlog": 2},
            {"name": "projects/p/subscriptions/never-used", **SUBSCRIPTION},
        ]
    },
    "endpoints": {"run": "127.0.0.1:7002"},
}


def test_the_tables_show_rollout_revisions_functions_subscriptions_and_endpoints() -> None:
    console = Console(width=160, file=io.StringIO(), record=True)
    console.print(tables(SNAPSHOT))
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert "web http://127.0.0.1:7000 v2 abcdef0 is progressing" in lines
    assert "pin: v1 was rolled back" in lines
    assert "web-00002 ready 10 41 0 1 3" in lines
    assert "notify http://127.0.0.1:7001 ended notify.log" in lines
    assert "image-pushed gcr 7 0 0 2 0" in lines
    assert "run 127.0.0.1:7002" in lines
    assert not any("never-used" in line for line in lines)
    assert not any(line.startswith("frozen") for line in lines)
