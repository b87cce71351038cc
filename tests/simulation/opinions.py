"""A judge whose verdicts are drawn from the seed, for worlds that test what is done with verdicts."""

from collections.abc import Callable
from random import Random

from shared.analysis.question import Question
from shared.analysis.verdict import Health, Verdict
from tests.simulation.deployment import CloudRun
from tests.simulation.releases import Kind
from tests.simulation.surroundings import Metrics

SHARES = {  # of healthy, unhealthy and inconclusive answers, by what the release is
    Kind.GOOD: (0.60, 0.004, 0.396),
    Kind.BAD: (0.02, 0.50, 0.48),
    Kind.SLOW: (0.03, 0.40, 0.57),
    Kind.MIXED: (0.25, 0.10, 0.65),
}
ANSWERS = (Health.HEALTHY, Health.UNHEALTHY, Health.INCONCLUSIVE)


def drawn_judge(random: Random, run: CloudRun, metrics: Metrics) -> Callable[..., Verdict]:
    """With the signature of `shared.analysis.judge.judge`; right more often than not."""

    def judge(question: Question) -> Verdict:
        canary = question.canary
        service = canary.rpartition("-")[0].rpartition("-")[0]
        if service in metrics.failing:
            return Verdict(health=Health.INCONCLUSIVE, reason="Both fail alike.", shared_outage=True)
        if metrics.lacks(canary, run.now):
            return Verdict(health=Health.INCONCLUSIVE, reason="Minutes are missing.")
        health = random.choices(ANSWERS, SHARES.get(run.kind(canary), SHARES[Kind.BAD]))[0]
        return Verdict(health=health, reason=f"It was drawn {health}.")

    return judge
