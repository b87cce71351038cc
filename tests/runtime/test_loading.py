"""What a function loads before it knows that a message matters: neither Google's clients nor the rollout core."""

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.package_functions import functions
from shared.runtime.wiring import GoogleCloud

pytestmark = pytest.mark.no_cover

REPOSITORY = Path(__file__).parents[2]
LATE = (
    "google.api_core",
    "google.cloud.monitoring_v3",
    "google.cloud.run_v2",
    "google.cloud.storage",
    "google.pubsub_v1",
    "googleapiclient",
    "grpc",
    "requests",
    "shared.adapters",
    "shared.analysis.judge",
    "shared.rollout.decide",
)


@pytest.mark.parametrize("function", functions())
def test_a_door_opens_without_what_only_a_message_that_matters_needs(function: str) -> None:
    code = f"import json, sys\nimport functions.{function}.main\nprint(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert [name for name in json.loads(loaded.stdout) if name.startswith(LATE)] == []


@pytest.mark.parametrize("port", ["services", "messages", "metrics", "ledger", "databases", "objects"])
def test_a_port_is_made_once_and_leaves_the_garbage_collector_on(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "name": "dev",
        "project": "demo",
        "region": "africa-south1",
        "ledger_bucket": "ledger",
        "services": {"web": {"image": "registry.example/apps/web"}},
    }
    monkeypatch.setenv("DELIVERY_ENVIRONMENT", json.dumps(environment))
    cloud = GoogleCloud()
    assert getattr(cloud, port) is getattr(cloud, port)
    assert gc.isenabled()


def test_time_and_probes_need_nothing_of_googles() -> None:
    cloud = GoogleCloud()
    assert cloud.clock.now().tzinfo is not None
    assert cloud.prober is cloud.prober
