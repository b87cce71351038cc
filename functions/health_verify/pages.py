"""A canary's pages before any user meets them, beside stable's from the same place."""

from shared.config.environment import ManagedService
from shared.rollout.observations import Judged
from shared.rollout.service import Service
from shared.rollout.traffic import CANARY_TAG, STABLE_TAG
from shared.runtime.cloud import Cloud


def read_pages(cloud: Cloud, service: Service, managed: ManagedService, judged: Judged) -> Judged:
    """With what the canary's pages cost, where the service has budgets."""
    wanted = managed.connectivity
    if wanted is None:
        return judged
    from shared.connectivity.budget import Mode
    from shared.connectivity.gate import opinion

    if wanted.mode is Mode.OFF:
        return judged
    loaded = {
        tag: {route: cloud.prober.load(uri, route) for route in wanted.budgets}
        for tag in (CANARY_TAG, STABLE_TAG)
        if (uri := service.tag_uris.get(tag, ""))
    }
    found = opinion(loaded[CANARY_TAG], loaded.get(STABLE_TAG, {}), wanted)
    return judged._replace(heavy=found.broken, pages=found.said)
