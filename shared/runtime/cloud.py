"""The outside world one function may touch: its environment and the ports, built when first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.config.environment import Environment
    from shared.ports import Artifacts, Clock, Databases, Ledger, Messages, Metrics, Objects, Prober, Services


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
    @property
    def objects(self) -> Objects: ...
    @property
    def artifacts(self) -> Artifacts: ...
