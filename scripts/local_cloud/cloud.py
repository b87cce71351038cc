"""The local cloud: every server, every function and everything between them, started in order, ended in reverse."""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.local_cloud.assembly import Assembly, started
from scripts.local_cloud.assets import AssetsBucket
from scripts.local_cloud.container_analysis import ContainerAnalysis
from scripts.local_cloud.contracts import PROJECT, REGION, MessageService
from scripts.local_cloud.control import Control
from scripts.local_cloud.data_plane.plane import LocalDataPlane
from scripts.local_cloud.functions_host import FunctionsHost, environment_of
from scripts.local_cloud.gapic.wire import Intercept, straight
from scripts.local_cloud.monitoring.alerts import Alerts, Policy
from scripts.local_cloud.monitoring.server import Monitoring
from scripts.local_cloud.pubsub.server import PubSub
from scripts.local_cloud.registry import Registry, digest_of
from scripts.local_cloud.run.admin import RunAdmin
from scripts.local_cloud.run.managed_service import create_service, describe
from scripts.local_cloud.scheduler import Job, Scheduler
from scripts.local_cloud.settings import (
    ASSETS_BUCKET,
    LEDGER_BUCKET,
    PLACEHOLDER,
    REPOSITORY,
    SERVICE,
    Settings,
    sample,
)
from scripts.local_cloud.storage import FakeGcs
from scripts.local_cloud.topology import FUNCTIONS, Topology
from scripts.local_cloud.traffic.driver import Traffic
from scripts.package_functions import package
from shared.adapters.cloud_run import CloudRun
from shared.events import command as commands
from shared.rollout.commands import Command, Verb

# Above what a canary's small share can show in the window: the judge is to find those, the alert what comes later.
ERRORS_POLICY = Policy(
    name="web-errors",
    service=SERVICE,
    threshold_share=0.2,
    window_seconds=5,
    requests_min=100,
    user_labels={"rollback": "true"},
)


class LocalCloud(Assembly):
    """Everything that deliveries need.

    intercept: stands between every gRPC call to Cloud Run, Pub/Sub and Monitoring and its answer.
    """

    def __init__(self, directory: Path, settings: Settings, *, intercept: Intercept = straight) -> None:
        super().__init__(directory)
        self.settings = settings
        self._intercept = intercept
        self.token_key = secrets.token_hex(32)

    def push(
        self,
        tag: str,
        command: Sequence[str],
        repository: str = REPOSITORY,
        *,
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        """As the pipeline does: an image that names a process to run, told on the topic gcr; its digest.

        files: the release's own, which are in the assets bucket before anybody hears of the image.
        """
        if files is not None:
            self.assets.upload(files)
            self.assets.list_release(digest_of(command), files)
        return self._registry.push(repository, tag, command)

    def command(self, verb: Verb, *, service: str, by: str, why: str) -> str:
        """An operator's message; its request id."""
        request_id = uuid.uuid4().hex
        order = Command(verb=verb, service=service, by=by, why=why, request_id=request_id, at=datetime.now(UTC))
        data, attributes = commands.encode(order)
        self.publish("commands", data, attributes)
        return request_id

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        """The message id."""
        return self._pubsub.publish(topic, data, attributes)

    def drive_traffic(
        self, *, requests_per_second: float, web_sockets: int, path: str = "/", web_socket_path: str = "/ws"
    ) -> Traffic:
        """Real clients against the service, until the end or their own `stop`."""
        log = self.directory / "traffic.log"
        traffic = Traffic(
            self.service_uri, requests_per_second, web_sockets, log=log, path=path, web_socket_path=web_socket_path
        )
        self._parts.callback(traffic.stop)
        return traffic

    def run_calls(self) -> dict[str, int]:
        """How often each method of the Cloud Run Admin API was called, without calling one."""
        calls: dict[str, int] = self._run_admin.snapshot()["calls"]
        return calls

    @property
    def service_uri(self) -> str:
        return self.data_plane.service_uri(SERVICE)

    @property
    def run_endpoint(self) -> str:
        """Of the Cloud Run Admin API, as host:port."""
        return f"127.0.0.1:{self._run_admin.grpc_port}"

    def instance_uri(self, revision: str) -> str:
        """Where a revision's own process listens, past the splitter. Raises LookupError when it has none."""
        for process in self.data_plane.snapshot()["processes"]:
            if process["revision"] == revision:
                return f"http://127.0.0.1:{process['port']}"
        raise LookupError(f"{revision} has no process")

    def endpoints(self) -> dict[str, str]:
        """Addresses to point clients at."""
        return {
            "service": self.service_uri,
            "run": self.run_endpoint,
            "run_rest": f"http://127.0.0.1:{self._run_admin.rest_port}/",
            "pubsub": f"127.0.0.1:{self._pubsub.grpc_port}",
            "pubsub_rest": f"http://127.0.0.1:{self._pubsub.rest_port}/",
            "monitoring": f"127.0.0.1:{self._monitoring.grpc_port}",
            "storage": self._gcs.url,
            "control": self._control.uri,
        }

    def function_environment(self) -> dict[str, str]:
        """What every function is given at deploy time, its own PUSH_AUDIENCE aside."""
        environment = environment_of(
            self.settings.delivery_environment(),
            pubsub=f"127.0.0.1:{self._pubsub.grpc_port}",
            storage=self._gcs.url,
            token_key=self.token_key,
        )
        return environment | {
            "RUN_ENDPOINT": self.run_endpoint,
            "MONITORING_ENDPOINT": f"127.0.0.1:{self._monitoring.grpc_port}",
            "ARTIFACTS_ENDPOINT": f"127.0.0.1:{self.container_analysis.port}",
        }

    def message_service(self, token_key: bytes) -> MessageService:
        """The Pub/Sub it runs on, not started yet."""
        return PubSub(token_key, intercept=self._intercept)

    def own_environment(self, _function: str) -> Mapping[str, str]:
        """What one function is given otherwise than the others."""
        return {}

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: everything that can be seen of it at one moment."""
        return {
            "project": PROJECT,
            "region": REGION,
            "endpoints": self.endpoints(),
            "service": describe(self._run, SERVICE),
            "data_plane": self.data_plane.snapshot(),
            "functions": self.functions.snapshot(),
            "pubsub": self._pubsub.snapshot(),
            "scheduler": self._scheduler.snapshot(),
            "alerts": self._alerts.snapshot(),
            "monitoring": self._monitoring.snapshot(),
        }

    def _start(self, parts: ExitStack) -> None:
        settings = self.settings
        self._pubsub: MessageService = started(parts, self.message_service(self.token_key.encode()))
        self._gcs = started(parts, FakeGcs(LEDGER_BUCKET, ASSETS_BUCKET, log=self.directory / "storage.log"))
        self.assets = AssetsBucket(self._gcs.url, ASSETS_BUCKET)
        parts.callback(self.assets.close)
        self.container_analysis = started(parts, ContainerAnalysis())
        self.data_plane = started(
            parts,
            LocalDataPlane(
                self.directory / "revisions",
                sample_period_seconds=settings.sample_period.total_seconds(),
                startup_deadline_seconds=settings.startup_deadline.total_seconds(),
            ),
        )
        self._monitoring = started(
            parts,
            Monitoring(
                self.data_plane,
                sample_period_seconds=settings.sample_period.total_seconds(),
                ingest_delay_seconds=settings.ingest_delay.total_seconds(),
                intercept=self._intercept,
            ),
        )
        self._registry = Registry(self._pubsub)
        self._run_admin = started(
            parts,
            RunAdmin(
                self.data_plane,
                self._registry,
                self._pubsub,
                reconcile_delay_seconds=settings.reconcile_delay.total_seconds(),
                intercept=self._intercept,
            ),
        )
        self._run = CloudRun(PROJECT, REGION, self.run_endpoint)
        parts.callback(self._run.close)
        zips = {name: package(name).write(self.directory / "zips") for name in FUNCTIONS}
        host = FunctionsHost(
            zips,
            directory=self.directory / "functions",
            environment=self.function_environment(),
            own_environment=self.own_environment,
        )
        self.functions = started(parts, host)
        self.topology = Topology(f"127.0.0.1:{self._pubsub.grpc_port}")
        parts.callback(self.topology.close)
        self.topology.create(self.functions.uris())
        self._registry.push(PLACEHOLDER, "latest", sample("--version", "placeholder"))
        create_service(self.run_endpoint, SERVICE, f"{PLACEHOLDER}:latest")
        self._alerts = started(parts, Alerts(self._monitoring.visible, self._pubsub, [ERRORS_POLICY]))
        tick = Job(name="rollout-tick", topic="rollout-ticks", period=settings.tick_period)
        self._scheduler = started(parts, Scheduler(self._pubsub, [tick]))
        wishes = {"status": lambda _: self.snapshot(), "push": self._push_wish, "command": self._command_wish}
        self._control = started(parts, Control(wishes, self.directory))

    def _push_wish(self, wish: dict[str, Any]) -> dict[str, Any]:
        return {"digest": self.push(str(wish["tag"]), [str(word) for word in wish["command"]])}

    def _command_wish(self, wish: dict[str, Any]) -> dict[str, Any]:
        who, why = str(wish["by"]), str(wish["why"])
        return {"request_id": self.command(Verb(wish["command"]), service=str(wish["service"]), by=who, why=why)}
