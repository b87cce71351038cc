"""One recording fake per port: they keep what was asked of them, and behave like the real thing where it matters."""

from dataclasses import dataclass, field

from shared.config.environment import Environment, ManagedService
from tests.fakes.artifacts import FakeArtifacts
from tests.fakes.clock import FakeClock
from tests.fakes.databases import FakeDatabases
from tests.fakes.ledger import FakeLedger
from tests.fakes.measurements import FakeMetrics, FakeProber
from tests.fakes.messages import FakeMessages
from tests.fakes.objects import FakeObjects
from tests.fakes.services import FakeServices

IMAGE = "africa-south1-docker.pkg.dev/demo/apps/web"


def environment(**service: object) -> Environment:
    return Environment(
        name="dev",
        project="demo",
        region="africa-south1",
        ledger_bucket="ledger",
        services={"web": ManagedService(name="web", image=IMAGE, **service)},  # type: ignore[arg-type]
    )


@dataclass
class FakeCloud:
    environment: Environment = field(default_factory=environment)
    clock: FakeClock = field(default_factory=FakeClock)
    services: FakeServices = field(default_factory=FakeServices)
    messages: FakeMessages = field(default_factory=FakeMessages)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    prober: FakeProber = field(default_factory=FakeProber)
    databases: FakeDatabases = field(default_factory=FakeDatabases)
    objects: FakeObjects = field(default_factory=FakeObjects)
    artifacts: FakeArtifacts = field(default_factory=FakeArtifacts)
