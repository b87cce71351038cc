"""The judge, asked about a whole history."""

from datetime import datetime

from shared.analysis.evidence import History, Probe
from shared.analysis.judge import judge
from shared.analysis.question import Question
from shared.analysis.verdict import Verdict
from tests.analysis.worlds import MINUTE, NOW


def question(
    found: History, *, started: datetime = NOW, share: int = 5, stable: str = "stable", probes: tuple[Probe, ...] = ()
) -> Question:
    """On a step that is also the whole rollout."""
    return Question(
        history=found,
        canary="canary",
        stable=stable,
        rollout_started=started,
        step_started=started,
        share=share,
        probes=probes,
    )


def look(found: History, *, minutes: int = 10, share: int = 25, probes: tuple[Probe, ...] = ()) -> Verdict:
    """The verdict on a step that is also the whole rollout."""
    return judge(question(found, started=NOW - minutes * MINUTE, share=share, probes=probes))
