"""The simulated environment as its file would say it: two services, and a delivery that takes minutes."""

from dataclasses import replace
from datetime import timedelta

from shared.config.environment import Environment, ManagedService
from shared.connectivity.budget import Budget, Connectivity, Mode
from shared.rollout.strategy import Strategy
from tests.simulation.assets import BUCKET
from tests.simulation.happenings import BUILT, SERVICES
from tests.simulation.releases import image

QUICK = Strategy(
    steps=(10, 50),
    first_share_by_traffic=False,
    step_bake_time=timedelta(minutes=1),
    final_bake_time=timedelta(minutes=3),
    prepare_deadline=timedelta(minutes=3),
    verify_deadline=timedelta(minutes=3),
    step_deadline=timedelta(minutes=10),
    action_window=timedelta(minutes=10),
    alert_age_max=timedelta(minutes=5),
    gate_deadline=timedelta(minutes=6),
    verdict_age_max=timedelta(minutes=3),
    announce_grace=timedelta(minutes=1),
)
BUDGETS = Connectivity(mode=Mode.BLOCK, budgets={"/": Budget()})
PATIENT = replace(QUICK, step_deadline=timedelta(minutes=90))  # the real judge counts real requests


def environment(strategy: Strategy) -> Environment:
    """strategy: of every service."""
    return Environment(
        name="dev",
        project="demo",
        region="africa-south1",
        ledger_bucket="ledger",
        services={
            name: ManagedService(
                name=name,
                image=image(name),
                strategy=strategy,
                deploys_on="build" if name == BUILT else "push",
                assets_bucket="" if name == BUILT else BUCKET,
                connectivity=None if name == BUILT else BUDGETS,
            )
            for name in SERVICES
        },
    )
