"""The outside world one function may touch: its environment and the ports, built when first asked for."""

from typing import Protocol

from shared.config.environment import Environment
from shared.ports import Clock, Databases, Ledger, Messages, Metrics, Prober, Services


class Cloud(Protocol):
    """What a handler gets. `shared.runtime.wiring` builds the real one, `tests.fakes` a recording one."""

    @property
    def environment(self) -> Environment: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def services(self) -> Services: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def prober(self) -> Prober: ...
    @property
    def databases(self) -> Databases: ...
