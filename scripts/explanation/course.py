"""How the evidence grew: a rollout's last question asked again at every earlier moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from scripts.explanation.story import Kept, Story
from shared.analysis.evidence import History
from shared.analysis.judge import judge
from shared.analysis.proof import Risk
from shared.analysis.question import Question
from shared.analysis.verdict import Health, Verdict

LOOKS_MAX = 240  # a look costs milliseconds, and a picture shows no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """settled: up to when the metrics were known."""

    settled: datetime
    share: int
    verdict: Verdict


def course(story: Story, risk: Risk | None = None) -> list[Look]:
    """What the judge says after each sampling period of the recorded history; under `risk` if it is given.

    Probes were not kept for every tick, so none are asked here: a verdict that rests on one alone may differ.
    """
    if not story.verdicts:
        return []
    last = story.verdicts[-1].question
    ends = sorted({sample.end for rows in last.history.samples.values() for sample in rows})
    ends = [end for end in ends if last.rollout_started < end <= last.history.settled_until]
    stride = 1 + len(ends) // LOOKS_MAX
    looks = ends[::-1][::stride][::-1]
    return [_look(asked, last.history, end, risk) for end, asked in zip(looks, _asked(story, looks), strict=True)]


def moments(looks: list[Look]) -> Iterator[tuple[str, datetime]]:
    """When each share first had its proof, and when harm was first proved."""
    told: set[str] = set()
    for look in looks:
        health = look.verdict.health
        if health is Health.UNHEALTHY:
            yield "harm", look.settled
            return
        name = f"{look.share} %"
        if health is Health.HEALTHY and name not in told:
            told.add(name)
            yield name, look.settled


def _asked(story: Story, looks: list[datetime]) -> Iterator[Question]:
    """The question of the step each look falls in; looks before the first kept one get that."""
    steps: dict[datetime, Kept] = {}
    for kept in story.verdicts:
        steps.setdefault(kept.question.step_started, kept)
    begun = sorted(steps)
    for end in looks:
        at = max((start for start in begun if start < end), default=begun[0])
        yield steps[at].question


def _look(asked: Question, whole: History, end: datetime, risk: Risk | None) -> Look:
    until = {name: tuple(row for row in rows if row.end <= end) for name, rows in whole.samples.items()}
    history = whole._replace(settled_until=end, samples=until)
    question = asked._replace(history=history, risk=risk or asked.risk, probes=())
    return Look(settled=end, share=asked.share, verdict=judge(question))
