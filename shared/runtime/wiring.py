"""The real outside world of one function instance: each client is built when first asked for, once."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from shared.config.environment import VARIABLE, Environment, load_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.ports import Artifacts, Clock, Databases, Ledger, Messages, Metrics, Objects, Prober, Services


class GoogleCloud:
    """`shared.runtime.cloud.Cloud` on Google's clients.

    Nothing of Google's is imported before a property is read. RUN_ENDPOINT, MONITORING_ENDPOINT,
    SQL_ENDPOINT and ARTIFACTS_ENDPOINT ("host:port", plain text) point at a local cloud; Google's own
    PUBSUB_EMULATOR_HOST and STORAGE_EMULATOR_HOST do the rest.
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
        with _lean_imports():
            from shared.adapters.cloud_run import CloudRun

        environment = self.environment
        return CloudRun(environment.project, environment.region, os.environ.get("RUN_ENDPOINT"))

    @cached_property
    def messages(self) -> Messages:
        with _lean_imports():
            from shared.adapters.pubsub import PubSubMessages

        return PubSubMessages(self.environment.project)

    @cached_property
    def metrics(self) -> Metrics:
        with _lean_imports():
            from shared.adapters.monitoring import CloudMonitoring

        environment = self.environment
        return CloudMonitoring(environment.project, environment.region, os.environ.get("MONITORING_ENDPOINT"))

    @cached_property
    def ledger(self) -> Ledger:
        with _lean_imports():
            from shared.adapters.storage import StorageLedger

        environment = self.environment
        return StorageLedger(environment.ledger_bucket, environment.control_bucket)

    @cached_property
    def prober(self) -> Prober:
        from shared.adapters.probes import HttpProber

        return HttpProber()

    @cached_property
    def databases(self) -> Databases:
        with _lean_imports():
            from shared.adapters.cloud_sql import CloudSql

        return CloudSql(self.environment.project, os.environ.get("SQL_ENDPOINT"))

    @cached_property
    def objects(self) -> Objects:
        with _lean_imports():
            from shared.adapters.objects import StorageObjects

        return StorageObjects()

    @cached_property
    def artifacts(self) -> Artifacts:
        with _lean_imports():
            from shared.adapters.artifacts import ContainerAnalysis

        return ContainerAnalysis(os.environ.get("ARTIFACTS_ENDPOINT"))


@contextmanager
def _lean_imports() -> Iterator[None]:
    """Google's packages load only what is asked of them; no garbage is looked for among what they load, then or later.

    See docs/decisions/0003.
    """
    from shared.adapters import lean_imports

    lean_imports.install()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
