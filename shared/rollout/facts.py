"""What others tell us happened: past tense, immutable, with the time it happened. Part of the union `decide` takes."""

from datetime import datetime
from typing import NamedTuple

from shared.rollout.names import Release
from shared.values import value


class Gate(NamedTuple):
    """What a release must show before it starts: a backup, its files, where it was built.

    waits: why it may not start yet, or ""; refuses: why it will not be started at all, or ""; pages: whether a person
    must look at that refusal.
    """

    waits: str = ""
    refuses: str = ""
    pages: bool = False


OPEN = Gate()


@value
class DeployRequested:
    """A release wants to reach a service. source: "push", "build" or "waiting"; by: who asked.

    frozen: why the environment may not start anything, or ""; gate: whether this release may;
    session_affinity: the service overrides splits. These are read with the service, not sent.
    """

    service: str
    release: Release
    source: str
    by: str
    frozen: str = ""
    gate: Gate = OPEN
    session_affinity: bool = False


@value
class IncidentChanged:
    """A Monitoring incident opened or closed. policy_rolls_back: the policy's `rollback=true` user label.

    revision: "" when the policy does not group by revision. at: when it opened, or when it closed.
    """

    incident_id: str
    open: bool
    at: datetime
    service: str
    revision: str
    policy: str
    summary: str
    url: str
    policy_rolls_back: bool

    @property
    def key(self) -> str:
        return f"incident/{self.incident_id}/{'open' if self.open else 'closed'}"
