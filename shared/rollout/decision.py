"""What `decide` answers: the record to be, what must happen, and why in one sentence."""

from shared.rollout.announcement import Announcement
from shared.rollout.facts import DeployRequested
from shared.rollout.record import Record
from shared.values import value

_TAKEN_BACK = frozenset({"rollout.rolled_back", "rollout.aborted"})


@value
class Start:
    """Create the canary revision: one write of template, traffic and record."""

    image: str
    rollout_id: str


@value
class Move:
    """Write traffic and record; the traffic is `traffic.targets` of the new record."""


@value
class Publish:
    """Tell the world; kept in the record's outbox until the ledger has it."""

    announcement: Announcement


@value
class RequestDeploy:
    """Ask again for a release that had to wait."""

    request: DeployRequested


Effect = Start | Move | Publish | RequestDeploy


@value
class Decision:
    """rule names the rule that decided ("known_bad"), reason says it to people. No effects: nothing to do."""

    record: Record
    rule: str
    reason: str
    effects: tuple[Effect, ...] = ()

    @property
    def takes_back(self) -> bool:
        """Whether this very decision rolls a release back or aborts it; telling of an earlier one again does not."""
        if self.write is None:
            return False
        this = f"{self.record.service}/{self.record.sequence:06d}-"
        return any(
            isinstance(effect, Publish)
            and effect.announcement.kind in _TAKEN_BACK
            and effect.announcement.key.startswith(this)
            for effect in self.effects
        )

    @property
    def write(self) -> Start | Move | None:
        for effect in self.effects:
            if isinstance(effect, Start | Move):
                return effect
        return None
