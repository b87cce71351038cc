"""A person's edit of the traffic, against the local Cloud Run Admin API."""

import threading
from collections.abc import Iterator

import pytest
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport

from scripts.demonstration.hand_edit import edit_traffic
from scripts.local_cloud.contracts import PARENT
from scripts.local_cloud.registry import Registry
from scripts.local_cloud.run.admin import RunAdmin
from scripts.local_cloud.run.checks import LATEST
from shared.adapters.google_api import insecure_channel
from tests.local_cloud.recording import RecordingDataPlane, RecordingPublisher
from tests.local_cloud.waiting import wait_until

IMAGE = "registry.example/web"
NAME = f"{PARENT}/services/web"
NEVER_SECONDS = 3600.0


@pytest.fixture
def client() -> Iterator[run_v2.ServicesClient]:
    """Of an API with one service, whose changes are accepted at once and never done."""
    publisher = RecordingPublisher()
    registry = Registry(publisher)
    server = RunAdmin(RecordingDataPlane(), registry, publisher, reconcile_delay_seconds=NEVER_SECONDS)
    server.start()
    client = run_v2.ServicesClient(
        transport=ServicesGrpcTransport(channel=insecure_channel(f"127.0.0.1:{server.grpc_port}"))
    )
    registry.push(IMAGE, "v1", ("run", "v1"))
    template = run_v2.RevisionTemplate(containers=[run_v2.Container(image=f"{IMAGE}:v1")])
    client.create_service(parent=PARENT, service=run_v2.Service(template=template), service_id="web")
    yield client
    client.transport.close()
    server.stop()


def split(client: run_v2.ServicesClient) -> dict[str, int]:
    return {row.revision: row.percent for row in client.get_service(name=NAME).traffic}


def test_an_edit_that_a_newer_change_overtakes_is_not_made_again(client: run_v2.ServicesClient) -> None:
    first = client.get_service(name=NAME).latest_created_revision.rpartition("/")[2]
    person = threading.Thread(target=edit_traffic, args=(client, NAME, {first: 100}))
    person.start()
    wait_until(lambda: split(client) == {first: 100})

    newer = client.get_service(name=NAME)
    newer.traffic = [run_v2.TrafficTarget(type_=LATEST, percent=100)]
    client.update_service(service=newer)
    person.join(timeout=10)

    assert not person.is_alive()
    assert split(client) == {"": 100}
