"""What a function loads before it knows that a message matters: neither Google's clients nor the rollout core."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.package_functions import functions
from shared.runtime.wiring import ADAPTERS, GoogleCloud

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

ENVIRONMENT = {
    "name": "dev",
    "project": "demo",
    "region": "africa-south1",
    "ledger_bucket": "ledger",
    "services": {"web": {"image": "registry.example/apps/web"}},
}
AHEAD = """
import gc, json, sys, threading
from shared.runtime.wiring import ADAPTERS, LOADER, GoogleCloud

def loaded():
    return sorted(port for port, module in ADAPTERS.items() if module in sys.modules)

def loaders():
    return [thread for thread in threading.enumerate() if thread.name == LOADER]

def wait():
    for thread in loaders():
        thread.join()
"""


def alone(code: str) -> tuple[Any, str]:
    """What `code` leaves in `told`, in a process of its own, and what it wrote to stderr."""
    result = subprocess.run(
        [sys.executable, "-c", f"{AHEAD}{code}\nprint(json.dumps(told))"],
        cwd=REPOSITORY,
        env={**os.environ, "DELIVERY_ENVIRONMENT": json.dumps(ENVIRONMENT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), result.stderr


@pytest.mark.parametrize("function", functions())
def test_a_door_opens_without_what_only_a_message_that_matters_needs(function: str) -> None:
    code = f"import json, sys\nimport functions.{function}.main\nprint(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert [name for name in json.loads(loaded.stdout) if name.startswith(LATE)] == []


@pytest.mark.parametrize("port", ["services", "messages", "metrics", "ledger", "databases", "objects"])
def test_a_port_is_made_once_and_leaves_the_garbage_collector_on(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELIVERY_ENVIRONMENT", json.dumps(ENVIRONMENT))
    cloud = GoogleCloud()
    assert getattr(cloud, port) is getattr(cloud, port)
    assert gc.isenabled()


def test_time_and_probes_need_nothing_of_googles() -> None:
    cloud = GoogleCloud()
    assert cloud.clock.now().tzinfo is not None
    assert cloud.prober is cloud.prober


@pytest.mark.parametrize("port", ADAPTERS)
def test_every_port_is_known_by_the_module_it_comes_from(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELIVERY_ENVIRONMENT", json.dumps(ENVIRONMENT))
    assert type(getattr(GoogleCloud(), port)).__module__ == ADAPTERS[port]


def test_what_comes_next_loads_once_the_first_client_is_there_and_not_before() -> None:
    told, complaints = alone("""
cloud = GoogleCloud("ledger", "services", "messages")
cloud.environment, cloud.clock
told = [loaded(), len(loaders())]
cloud.ledger
wait()
told += [loaded(), gc.isenabled(), sorted(vars(cloud).keys() & ADAPTERS.keys())]
""")
    assert told == [[], 0, ["ledger", "messages", "services"], True, ["ledger"]]
    assert complaints == ""


def test_a_function_of_one_port_starts_no_thread() -> None:
    told, _ = alone("""
GoogleCloud("ledger").ledger
told = [loaded(), len(loaders())]
""")
    assert told == [["ledger"], 0]


def test_what_could_not_be_loaded_ahead_fails_where_it_is_needed_and_loads_when_it_can_be() -> None:
    told, complaints = alone("""
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == ADAPTERS["messages"]:
            raise ImportError("broken for now")

sys.meta_path.insert(0, Broken())
cloud = GoogleCloud("ledger", "messages", "services")
cloud.ledger
wait()
told = [gc.isenabled(), loaded()]
try:
    cloud.messages
except ImportError as error:
    told.append(str(error))
sys.meta_path.pop([type(finder) for finder in sys.meta_path].index(Broken))
told += [type(cloud.messages).__name__, type(cloud.services).__name__, gc.isenabled()]
""")
    assert told == [True, ["ledger"], "broken for now", "PubSubMessages", "CloudRun", True]
    assert complaints.count("broken for now") == 1


def test_threads_that_ask_while_the_rest_is_loading_get_whole_clients() -> None:
    """Each its own order, so that they meet the loading thread everywhere."""
    told, complaints = alone("""
from concurrent.futures import ThreadPoolExecutor
sys.setswitchinterval(1e-5)
cloud = GoogleCloud(*ADAPTERS)
ports = list(ADAPTERS)
together = threading.Barrier(len(ports))

def turned(first):
    together.wait()
    return {port: id(getattr(cloud, port)) for port in ports[first:] + ports[:first]}

with ThreadPoolExecutor(len(ports)) as threads:
    found = list(threads.map(turned, range(len(ports))))
wait()
told = [all(one == found[0] for one in found), loaded() == sorted(ports), gc.isenabled()]
""")
    assert told == [True, True, True]
    assert complaints == ""
