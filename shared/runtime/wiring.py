"""The real outside world of one function instance: each client is built when first asked for, once."""

import os
from functools import cached_property

from shared.config.environment import VARIABLE, Environment, load_environment
from shared.ports import Clock, Ledger, Messages, Metrics, Prober, Services


class GoogleCloud:
    """`shared.runtime.cloud.Cloud` on Google's clients.

    Nothing of Google's is imported before a property is read. RUN_ENDPOINT and MONITORING_ENDPOINT ("host:port",
    plain text) point at a local cloud; Google's own PUBSUB_EMULATOR_HOST and STORAGE_EMULATOR_HOST do the rest.
    """

    @cached_property
    def environment(self) -> Environment:
        return load_environment(os.environ.get(VARIABLE, ""))

    @cached_property
    def clock(self) -> Clock:
        from shared.adapters.clock import SystemClock

        return SystemClock()

    @cached_property
    def services(self) -> Services:
        _import_lean()
        from shared.adapters.cloud_run import CloudRun

        environment = self.environment
        return CloudRun(environment.project, environment.region, os.environ.get("RUN_ENDPOINT"))

    @cached_property
    def messages(self) -> Messages:
        _import_lean()
        from shared.adapters.pubsub import PubSubMessages

        return PubSubMessages(self.environment.project)

    @cached_property
    def metrics(self) -> Metrics:
        _import_lean()
        from shared.adapters.monitoring import CloudMonitoring

        environment = self.environment
        return CloudMonitoring(environment.project, environment.region, os.environ.get("MONITORING_ENDPOINT"))

    @cached_property
    def ledger(self) -> Ledger:
        _import_lean()
        from shared.adapters.storage import StorageLedger

        return StorageLedger(self.environment.ledger_bucket)

    @cached_property
    def prober(self) -> Prober:
        from shared.adapters.probes import HttpProber

        return HttpProber()


def _import_lean() -> None:
    """Google's packages load only what is asked of them from here on; see docs/decisions/0003."""
    from shared.adapters import lean_imports

    lean_imports.install()
