"""One write as seen from outside, and what is known of a service's past."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.rollout.names import Phase
from shared.rollout.observations import Judged
from shared.rollout.record import Record
from shared.rollout.service import Service
from tests.simulation.turns import Turn


@dataclass(frozen=True)
class Change:
    """One write of one of our functions, as seen from outside."""

    turn: Turn
    found: Service
    service: Service
    before: Record | None
    after: Record
    shares_before: dict[str, int]
    shares: dict[str, int]
    judged: Judged | None

    @property
    def restored(self) -> bool:
        """The ledger's newest record was put back over an older one."""
        known = {item.key for item in self.before.outbox} if self.before else set()
        return any(item.kind == "record.restored" and item.key not in known for item in self.after.outbox)


@dataclass(frozen=True)
class Ending:
    """How a rollout ended, in which write. digest: "" when only the configuration was new."""

    phase: Phase
    sequence: int
    revision: str
    digest: str


@dataclass
class Past:
    """What happened to one service so far.

    ended: by rollout id; decided: the request time of the newest release decided on, by sequence; allowed: the highest
    share each rollout's canary was allowed; announced: text by key; destroyed: digests whose announcement somebody
    else's write took away unheard; committed: every key that was ever in a saved outbox.
    """

    proven: set[str] = field(default_factory=set)
    ended: dict[str, "Ending"] = field(default_factory=dict)
    decided: dict[int, datetime] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)
    announced: dict[str, str] = field(default_factory=dict)
    destroyed: set[str] = field(default_factory=set)
    committed: set[str] = field(default_factory=set)
    pinned: bool = False

    def rolled_back(self) -> list["Ending"]:
        return [ending for ending in self.ended.values() if ending.phase is Phase.ROLLED_BACK]
