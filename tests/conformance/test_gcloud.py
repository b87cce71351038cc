"""The gcloud CLI does on the local cloud what it does on Google's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport

from scripts.local_cloud.contracts import PARENT, REGION
from scripts.local_cloud.pubsub.server import PubSub
from scripts.local_cloud.registry import Registry
from scripts.local_cloud.run.admin import RunAdmin
from shared.adapters.google_api import insecure_channel
from tests.conformance.gcloud import Gcloud
from tests.local_cloud.pubsub_client import connected
from tests.local_cloud.recording import RecordingDataPlane, RecordingPublisher
from tests.local_cloud.waiting import wait_until

REPOSITORY = "registry.example/web"


@pytest.fixture
def pubsub() -> Iterator[PubSub]:
    server = PubSub(b"a key of this test")
    server.start()
    yield server
    server.stop()


class Run:
    """A Cloud Run with the service `web`, which has the named revisions, all ready."""

    def __init__(self) -> None:
        plane, publisher = RecordingDataPlane(), RecordingPublisher()
        registry = Registry(publisher)
        self.server = RunAdmin(plane, registry, publisher, reconcile_delay_seconds=0)
        self.server.start()
        endpoint = f"127.0.0.1:{self.server.grpc_port}"
        self._services = run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=insecure_channel(endpoint)))
        for version in ("v1", "v2"):
            digest = registry.push(REPOSITORY, version, ("run", version))
            service = run_v2.Service(
                name=f"{PARENT}/services/web",
                template=run_v2.RevisionTemplate(containers=[{"image": f"{REPOSITORY}@{digest}"}]),
            )
            self._services.update_service(request={"service": service, "allow_missing": True})
            plane.ready(self.read().latest_created_revision.rpartition("/")[2])
            self.settled()

    def read(self) -> run_v2.Service:
        return self._services.get_service(name=f"{PARENT}/services/web")

    def settled(self) -> run_v2.Service:
        wait_until(lambda: not self.read().reconciling)
        return self.read()

    def stop(self) -> None:
        self._services.transport.close()
        self.server.stop()


@pytest.fixture
def run() -> Iterator[Run]:
    run = Run()
    yield run
    run.stop()


def test_gcloud_publishes_and_pulls(pubsub: PubSub, tmp_path: Path) -> None:
    gcloud = Gcloud(tmp_path, pubsub_port=pubsub.rest_port)
    with connected(pubsub.grpc_port) as client:
        client.topic("commands")
        client.subscription("commands", "commands")
        gcloud("pubsub", "topics", "publish", "commands", "--message=hello", "--attribute=command=pause,service=web")
        (received,) = client.pull("commands", 1)
    assert received.message.data == b"hello"
    assert dict(received.message.attributes) == {"command": "pause", "service": "web"}
    assert "commands" in gcloud("pubsub", "subscriptions", "list", "--format=value(name)")


def test_gcloud_describes_a_service_and_lists_its_revisions(run: Run, tmp_path: Path) -> None:
    gcloud = Gcloud(tmp_path, run_port=run.server.rest_port)
    service = run.read()
    told = json.loads(gcloud("run", "services", "describe", "web", f"--region={REGION}", "--format=json"))
    ready = service.latest_ready_revision.rpartition("/")[2]
    assert told["status"]["latestReadyRevisionName"] == ready
    assert told["status"]["url"] == service.uri
    assert told["status"]["traffic"] == [{"latestRevision": True, "percent": 100, "revisionName": ready}]
    shown = gcloud("run", "services", "describe", "web", f"--region={REGION}")
    assert "100% LATEST (currently " + ready in shown
    revisions = gcloud("run", "revisions", "list", "--service=web", f"--region={REGION}", "--format=value(name)")
    assert revisions.split()[0] == ready
    assert len(revisions.split()) == 2
    image = gcloud("run", "revisions", "describe", ready, f"--region={REGION}", "--format=value(spec.containers.image)")
    assert image.strip() == service.template.containers[0].image
    assert gcloud("run", "services", "list", f"--region={REGION}", "--format=value(name)").split() == ["web"]


def test_gcloud_moves_traffic_as_a_person_would(run: Run, tmp_path: Path) -> None:
    gcloud = Gcloud(tmp_path, run_port=run.server.rest_port)
    first, second = sorted(
        gcloud("run", "revisions", "list", "--service=web", f"--region={REGION}", "--format=value(name)").split()
    )
    gcloud("run", "services", "update-traffic", "web", f"--region={REGION}", f"--to-revisions={first}=70,{second}=30")
    assert {row.revision: row.percent for row in run.settled().traffic_statuses} == {first: 70, second: 30}
