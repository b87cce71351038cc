"""The automation removed in mid-rollout as the pages say: the service goes on, and is rolled back without us."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.settings import FAST_STRATEGY, SERVICE, Settings, sample
from shared.rollout.service import RECORD_ANNOTATION
from tests.conformance.gcloud import Gcloud
from tests.local_cloud.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]
SECONDS_MAX = 180.0
REQUESTS = 200
# The canary stays at its first step until it is left alone.
PATIENT = {**FAST_STRATEGY, "steps": [30, 50, 90], "step_bake_time_seconds": 3600, "step_deadline_seconds": 7200}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path / "cloud", Settings(strategy=PATIENT)) as cloud:
        yield cloud


def state(cloud: LocalCloud) -> dict[str, object]:
    service: dict[str, object] = cloud.snapshot()["service"]
    return service


def until(cloud: LocalCloud, phase: str) -> None:
    wait_until(lambda: state(cloud)["phase"] == phase, seconds=SECONDS_MAX, shown=lambda: state(cloud))


def served(cloud: LocalCloud) -> Counter[str]:
    """Which revision answered how many of so many requests; every one of them must be answered."""
    seen: Counter[str] = Counter()
    before = dict(cloud.data_plane.snapshot()["requests"].get(SERVICE, {}))
    for _ in range(REQUESTS):
        with urlopen(f"{cloud.service_uri}/") as answer:
            assert answer.status == 200
    after = cloud.data_plane.snapshot()["requests"][SERVICE]
    for revision, counts in after.items():
        seen[revision] = counts.get("2xx", 0) - before.get(revision, {}).get("2xx", 0)
    return seen


def documented(page: str, verb: str) -> list[str]:
    """The words of the page's only gcloud command of this kind, without its project and region."""
    text = (REPOSITORY / "docs" / "how_to" / page).read_text()
    [command] = set(re.findall(rf"gcloud (run services {verb} [^\n>|]+)", text))
    return [word for word in command.split() if not word.startswith(("--project", "--region"))]


def test_the_service_outlives_us_and_is_rolled_back_by_gcloud_alone(cloud: LocalCloud, tmp_path: Path) -> None:
    cloud.push("v1", sample("--version", "v1"))
    until(cloud, "promoted")
    stable = str(state(cloud)["stable"])
    cloud.push("v2", sample("--version", "v2"))
    until(cloud, "progressing")
    wait_until(lambda: state(cloud)["serving"] != {stable: 100}, seconds=SECONDS_MAX)
    split = state(cloud)["serving"]
    assert isinstance(split, dict)
    assert split[stable] == 70

    cloud.functions.stop()
    rest = int(cloud.endpoints()["run_rest"].rstrip("/").rpartition(":")[2])
    gcloud, where = Gcloud(tmp_path / "gcloud", run_port=rest), f"--region={REGION}"
    assert documented("remove_the_automation.md", "replace") == ["run", "services", "replace", "service.yaml"]
    remove_record(cloud.endpoints()["run_rest"])
    assert f"{RECORD_ANNOTATION}:" not in gcloud("run", "services", "describe", SERVICE, where, "--format=export")
    assert state(cloud)["serving"] == split
    counts = served(cloud)
    assert sum(counts.values()) == REQUESTS
    assert counts[stable] == pytest.approx(REQUESTS * 0.7, abs=REQUESTS * 0.05)

    words = documented("roll_back_by_hand.md", "update-traffic")
    words = [word.replace("GOOD_REVISION", stable).replace("backend", SERVICE) for word in words]
    gcloud(*words, where)
    wait_until(lambda: state(cloud)["serving"] == {stable: 100}, seconds=SECONDS_MAX)
    assert served(cloud)[stable] == REQUESTS
    assert cloud.data_plane.snapshot()["dropped"] == 0


def remove_record(endpoint: str) -> None:
    """The one write of `gcloud run services replace`, which itself asks another API about the project first."""
    address = f"{endpoint}apis/serving.knative.dev/v1/namespaces/{PROJECT}/services/{SERVICE}"
    with urlopen(address) as answer:
        service = json.load(answer)
    assert service["metadata"]["annotations"].pop(RECORD_ANNOTATION)
    put = Request(address, json.dumps(service).encode(), {"Content-Type": "application/json"}, method="PUT")
    with urlopen(put) as answer:
        assert answer.status == 200
