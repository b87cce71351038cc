"""What the people around the system do in the demonstration: push, command, edit by hand; and what users got."""

import http.client
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from google.auth.credentials import AnonymousCredentials
from google.cloud.run_v2.services.services.client import ServicesClient
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.cloud.storage import Client

from scripts.demonstration.hand_edit import edit_traffic
from scripts.demonstration.images import DATABASE as DATABASE_NAME
from scripts.demonstration.images import Images
from scripts.demonstration.outcome import Different
from scripts.demonstration.screen import Counts, Screen
from scripts.demonstration.watch import Watch
from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.contracts import PARENT, PROJECT
from scripts.local_cloud.settings import DATABASE, LEDGER_BUCKET, SERVICE
from scripts.local_cloud.traffic.driver import Traffic
from shared.adapters.google_api import insecure_channel
from shared.backup import catalogue
from shared.backup.catalogue import Entry
from shared.backup.dump import DumpReport
from shared.backup.names import ExportName
from shared.config.environment import load_environment
from shared.events import command as commands
from shared.rollout import traffic as splits
from shared.rollout.announcement import Announcement
from shared.rollout.commands import Command, Verb
from shared.rollout.names import Phase
from shared.runtime.backup_ledger import catalogue_folder

OPERATOR = "amina@example.org"
_ENDS = ("rollout.promoted", "rollout.rolled_back", "rollout.failed", "rollout.superseded", "rollout.aborted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """One push. command: the process its image names; heard: how many announcements there were before it."""

    tag: str
    digest: str
    command: tuple[str, ...]
    at: datetime
    heard: int

    @property
    def name(self) -> str:
        return f"{self.tag} {self.digest.removeprefix('sha256:')[:7]}"


class Stage:
    """The hands of the demonstration."""

    def __init__(self, cloud: LocalCloud, images: Images, traffic: Traffic, watch: Watch, screen: Screen) -> None:
        self.cloud = cloud
        self.images = images
        self.traffic = traffic
        self.watch = watch
        self.screen = screen
        self.bad: Pushed | None = None
        self._services = ServicesClient(transport=ServicesGrpcTransport(channel=insecure_channel(cloud.run_endpoint)))

    def close(self) -> None:
        self._services.transport.close()

    def push(self, tag: str, *, error_rate: float = 0.0, latency_ms: float = 0.0, listens: bool = True) -> Pushed:
        """A new image, with the faults it is built with."""
        command = self.images.command(tag, error_rate=error_rate, latency_ms=latency_ms, listens=listens)
        return self.push_command(tag, command)

    def push_command(self, tag: str, command: tuple[str, ...]) -> Pushed:
        heard, at = self.watch.heard, datetime.now(UTC)
        digest = self.cloud.push(tag, command)
        pushed = Pushed(tag=tag, digest=digest, command=command, at=at, heard=heard)
        self.screen.said(f"docker push {pushed.name}")
        return pushed

    def until_end(self, pushed: Pushed, expected: str, *, within: float) -> Announcement:
        """How the release's rollout ended. Raises Different when it ended otherwise, or not at all."""
        news = self.watch.wait_for(_ENDS, within=within, after=pushed.heard, digest=pushed.digest)
        if news.kind != expected:
            raise Different(f"{expected} was expected, {news.kind} came: {news.text}")
        return news

    def until_serving(self, revision: str, *, within: float = 5.0) -> None:
        """Until Cloud Run says that every request goes there."""
        self.watch.wait_until(
            lambda service: service.serving == {revision: 100}, within=within, what=f"100 % on {revision}"
        )

    def until_first_share(self, pushed: Pushed) -> Announcement:
        """Until users meet the release."""
        return self.watch.wait_for("rollout.advanced", within=20, after=pushed.heard)

    def on_trial(self, tag: str) -> Pushed:
        """The release under way with users' traffic on it; a new one when there is none."""
        rollout = self.watch.record().active
        if rollout is None or rollout.phase is not Phase.PROGRESSING:
            pushed = self.push(tag)
            self.until_first_share(pushed)
            return pushed
        release = rollout.release
        return Pushed(tag=release.tag, digest=release.digest, command=(), at=release.requested_at, heard=0)

    def command(self, verb: Verb, why: str) -> datetime:
        """An operator's message; when it was sent."""
        at = datetime.now(UTC)
        order = Command(verb=verb, service=SERVICE, by=OPERATOR, why=why, request_id=uuid.uuid4().hex, at=at)
        data, attributes = commands.encode(order)
        self.cloud.publish("commands", data, attributes)
        self.screen.said(f"{OPERATOR}: {verb} {SERVICE}, {why}")
        return at

    def release_pin(self) -> None:
        """After a rollback, so that the next push deploys by itself again."""
        heard = self.watch.heard
        self.command(Verb.RELEASE_PIN, "seen and understood")
        self.watch.wait_for("pin.released", within=10, after=heard)

    def verify_export(self) -> str:
        """As backup_verify leaves it in the ledger: a good export of a minute ago. Its name."""
        night = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        instance, database = DATABASE
        name = ExportName(instance=instance, database=database, night=night)
        report = DumpReport(
            compressed_size=583588, raw_size=2_000_000, server_version="17.7", tool_version="17.7", rows={}, faults=()
        )
        entry = Entry(name=name, bucket="exports", generation=1, crc32c="AAAAAA==", verified_at=night, report=report)
        key = f"{catalogue_folder(instance, database)}{night:%Y%m%dT%H%M%SZ}-1.json"
        storage = Client(
            project=PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.cloud.endpoints()["storage"]},
        )
        storage.bucket(LEDGER_BUCKET).blob(key).upload_from_string(catalogue.encode(entry))
        self.screen.said(f"backup_verify: {name.key} is whole")
        return name.key

    def misbehave(self, revision: str, **faults: float) -> datetime:
        """Switches faults on inside a running container; when."""
        parts = urlsplit(self.cloud.instance_uri(revision))
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        try:
            at = datetime.now(UTC)
            connection.request("POST", "/control", json.dumps(faults), {"Content-Type": "application/json"})
            status = connection.getresponse().status
        finally:
            connection.close()
        if status != http.client.OK:
            raise Different(f"{revision} did not take {faults}: status {status}")
        return at

    def write_messages(self, count: int) -> None:
        """As users do, through the front end. Raises Different when one is not kept."""
        connection = http.client.HTTPConnection(urlsplit(self.cloud.service_uri).netloc, timeout=5)
        for _ in range(count):
            message = {"author": OPERATOR, "text": "habari", "key": uuid.uuid4().hex}
            connection.request(
                "POST", urlsplit(self.images.path).path, json.dumps(message), {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.CREATED:
                raise Different(f"a message was answered with {answer.status}")
        connection.close()
        self.screen.said(f"{count} messages written")

    def query(self, sql: str) -> str:
        """What the service's own database answers."""
        assert self.images.database is not None
        return self.images.database.query(sql, DATABASE_NAME)

    def rows(self, table: str) -> int:
        return int(self.query(f"SELECT count(*) FROM {table}"))

    def edit_traffic(self, percents: Mapping[str, int]) -> datetime:
        """Returns when the person began: it may be noticed before the person sees it done."""
        at = datetime.now(UTC)
        edit_traffic(self._services, f"{PARENT}/services/{SERVICE}", percents)
        return at

    def split(self) -> dict[str, int]:
        """The one the record stands for."""
        strategy = load_environment(self.cloud.settings.delivery_environment()).services[SERVICE].strategy
        return {name: percent for name, percent in splits.split(self.watch.record(), strategy).items() if name}

    def counts(self) -> Counts:
        """By the clients themselves."""
        seen = self.traffic.snapshot()
        front_end = sum(seen["revisions"].get("", {"errors": {}})["errors"].values())
        sockets = seen["websockets"]
        return Counts(
            requests=seen["sent"],
            failed=seen["errors"],
            web_sockets=sockets["open"],
            dropped=seen["dropped"] + front_end + sockets["unexpected_closes"] + sockets["refused"],
        )

    def tidy(self) -> None:
        """After a scenario that went wrong: nothing on trial, nothing pinned, so that the next one starts clean."""
        record = self.watch.record()
        heard = self.watch.heard
        with suppress(Different):
            if record.active:
                self.command(Verb.ABORT, "the demonstration goes on")
                self.watch.wait_for("rollout.aborted", within=10, after=heard)
            if self.watch.record().pin:
                self.release_pin()

    def served(self, revision: str) -> dict[str, int]:
        """Requests a revision answered, by response class."""
        return dict(self._requests().get(revision, {}))

    def bad_answers(self) -> dict[str, int]:
        """How many 5xx every revision answered so far."""
        return {name: by_class.get("5xx", 0) for name, by_class in self._requests().items()}

    def _requests(self) -> dict[str, dict[str, int]]:
        requests: dict[str, dict[str, int]] = self.cloud.data_plane.snapshot()["requests"].get(SERVICE, {})
        return requests

    def duplicates(self, function: str) -> int:
        """How often a function said that a message was a duplicate, by its own log."""
        said = 0
        for line in self.cloud.functions.log(function).read_text().splitlines():
            if line.startswith("{") and str(json.loads(line).get("outcome", "")).startswith("duplicate:"):
                said += 1
        return said
