"""One rollout as the ledger tells it: what was announced, and the verdicts that were kept with their questions."""

from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.explanation.ledger import Source
from shared.analysis.question import Question
from shared.analysis.verdict import Verdict
from shared.events import announcement, verdict
from shared.events.message import Message
from shared.rollout.announcement import Announcement

_ANNOUNCED, _EVIDENCE = "services/", "evidence/"


class UnknownRollout(LookupError):
    """The ledger has nothing of this rollout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One verdict as it was given. step: None at 100 %."""

    at: datetime
    step: int | None
    question: Question
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """news, verdicts: in the order of their times."""

    rollout: str
    service: str
    news: tuple[Announcement, ...]
    verdicts: tuple[Kept, ...]

    @property
    def outcome(self) -> str:
        """The last word on it, without the "rollout.": "promoted"; "unfinished" while it goes on."""
        ends = [item.kind for item in self.news if item.kind in _ENDS]
        return ends[-1].partition(".")[2] if ends else "unfinished"


_ENDS = {f"rollout.{end}" for end in ("promoted", "rolled_back", "failed", "superseded", "aborted")}


def stories(ledger: Source, service: str = "") -> list[str]:
    """The rollouts that have verdicts in the ledger, oldest first; of one service, or of all."""
    names: dict[str, str] = {}
    for key in ledger.keys(f"{_EVIDENCE}{service}/" if service else _EVIDENCE):
        _, _, rollout, name = key.split("/", 3)
        names.setdefault(rollout, name)
    return sorted(names, key=names.__getitem__)


def story(ledger: Source, rollout: str) -> Story:
    """Raises UnknownRollout, and InvalidEvent for an entry that cannot be read.

    A rollout's name begins with its service's, and so a service's folder is not read whose name it cannot be.
    """
    services = sorted({key.split("/")[1] for key in [*ledger.keys(_ANNOUNCED), *ledger.keys(_EVIDENCE)]})
    for service in services:
        if not rollout.startswith(f"{service}-"):
            continue
        news = [announcement.parse(_message(ledger, key)) for key in ledger.keys(f"{_ANNOUNCED}{service}/")]
        own = tuple(sorted((item for item in news if item.rollout_id == rollout), key=lambda item: item.at))
        kept = tuple(_kept(ledger, key) for key in ledger.keys(f"{_EVIDENCE}{service}/{rollout}/"))
        if own or kept:
            return Story(rollout=rollout, service=service, news=own, verdicts=kept)
    raise UnknownRollout(f"the ledger has no rollout {rollout}; its services are {', '.join(services) or 'none'}")


def _kept(ledger: Source, key: str) -> Kept:
    message = _message(ledger, key)
    judged, question = verdict.parse(message), verdict.parse_question(message)
    assert judged.verdict is not None
    assert question is not None
    return Kept(at=judged.at, step=judged.step, question=question, verdict=judged.verdict)


def _message(ledger: Source, key: str) -> Message:
    return Message(id=key, topic="", published_at=datetime.now(UTC), data=ledger.read(key), attributes={})
