"""The real outside world of one function instance: each client is built when first asked for, once."""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Final

from shared.config.environment import VARIABLE, Environment, load_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.ports import Artifacts, Clock, Databases, Ledger, Messages, Metrics, Objects, Prober, Services

ADAPTERS: Final = {
    "services": "shared.adapters.cloud_run",
    "messages": "shared.adapters.pubsub",
    "metrics": "shared.adapters.monitoring",
    "ledger": "shared.adapters.storage",
    "prober": "shared.adapters.probes",
    "databases": "shared.adapters.cloud_sql",
    "objects": "shared.adapters.objects",
    "artifacts": "shared.adapters.artifacts",
}
"""The module of each port."""
LOADER: Final = "load-ports"
"""The name of the thread that loads what comes next."""
_one_at_a_time = threading.Lock()


class GoogleCloud:
    """`shared.runtime.cloud.Cloud` on Google's clients.

    Nothing of Google's is imported before a property is read. RUN_ENDPOINT, MONITORING_ENDPOINT,
    SQL_ENDPOINT and ARTIFACTS_ENDPOINT ("host:port", plain text) point at a local cloud; Google's own
    PUBSUB_EMULATOR_HOST and STORAGE_EMULATOR_HOST do the rest.

    ports: what the function asks for when it does all it can, in that order. As soon as the first is there, a thread
    loads the modules of the others: until the cloud answers, the function itself has nothing to do.
    """

    def __init__(self, *ports: str) -> None:
        self._coming = [ADAPTERS[port] for port in ports]

    @cached_property
    def environment(self) -> Environment:
        return load_environment(os.environ.get(VARIABLE, ""))

    @cached_property
    def clock(self) -> Clock:
        from shared.adapters.clock import SystemClock

        return SystemClock()

    @cached_property
    def services(self) -> Services:
        with self._loading("services"):
            from shared.adapters.cloud_run import CloudRun

        environment = self.environment
        return CloudRun(environment.project, environment.region, os.environ.get("RUN_ENDPOINT"))

    @cached_property
    def messages(self) -> Messages:
        with self._loading("messages"):
            from shared.adapters.pubsub import PubSubMessages

        return PubSubMessages(self.environment.project)

    @cached_property
    def metrics(self) -> Metrics:
        with self._loading("metrics"):
            from shared.adapters.monitoring import CloudMonitoring

        environment = self.environment
        return CloudMonitoring(environment.project, environment.region, os.environ.get("MONITORING_ENDPOINT"))

    @cached_property
    def ledger(self) -> Ledger:
        with self._loading("ledger"):
            from shared.adapters.storage import StorageLedger

        environment = self.environment
        return StorageLedger(environment.ledger_bucket, environment.control_bucket)

    @cached_property
    def prober(self) -> Prober:
        from shared.adapters.probes import HttpProber

        return HttpProber()

    @cached_property
    def databases(self) -> Databases:
        with self._loading("databases"):
            from shared.adapters.cloud_sql import CloudSql

        return CloudSql(self.environment.project, os.environ.get("SQL_ENDPOINT"))

    @cached_property
    def objects(self) -> Objects:
        with self._loading("objects"):
            from shared.adapters.objects import StorageObjects

        return StorageObjects()

    @cached_property
    def artifacts(self) -> Artifacts:
        with self._loading("artifacts"):
            from shared.adapters.artifacts import ContainerAnalysis

        return ContainerAnalysis(os.environ.get("ARTIFACTS_ENDPOINT"))

    @contextmanager
    def _loading(self, port: str) -> Iterator[None]:
        """Around the import of a port's module. Where a thread is at it already, the import itself waits."""
        if ADAPTERS[port] in sys.modules:
            yield
            return
        with _lean_imports():
            yield
            coming, self._coming = self._coming, []
        others = [module for module in coming if module not in sys.modules]
        if others:
            threading.Thread(target=_load, args=(others,), name=LOADER, daemon=True).start()


def _load(modules: Sequence[str]) -> None:
    """What fails here ends the thread with its traceback, and is raised again where the function needs the module."""
    for module in modules:
        with _lean_imports():
            import_module(module)


@contextmanager
def _lean_imports() -> Iterator[None]:
    """Google's packages load only what is asked of them; no garbage is looked for among what they load, then or later.

    One thread at a time: two would meet in the packages' circles, and one turn the collector on for both. See
    docs/decisions/0003.
    """
    from shared.adapters import lean_imports

    with _one_at_a_time:
        lean_imports.install()
        gc.disable()
        try:
            yield
        finally:
            gc.freeze()
            gc.enable()
