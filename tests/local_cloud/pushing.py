"""When a subscription that pushes owes nothing any more."""

import threading
from typing import Any

from scripts.local_cloud.pubsub.server import PubSub


def wait_until_settled(pubsub: PubSub, name: str) -> dict[str, Any]:
    """The subscription's report once nothing is owed any more."""
    deadline = threading.Event()
    timer = threading.Timer(20, deadline.set)
    timer.start()
    try:
        while not deadline.wait(0.005):
            (report,) = (one for one in pubsub.snapshot()["subscriptions"] if one["name"].endswith(f"/{name}"))
            if report["backlog"] == 0:
                return dict(report)
    finally:
        timer.cancel()
        timer.join()
    raise AssertionError(f"{name} still owes {report['backlog']}")
