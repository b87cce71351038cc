"""What releases cost: their images a month, and what one canary adds."""

from collections.abc import Iterator

from scripts.configuration.costs import prices
from scripts.configuration.costs.lines import Line, times
from scripts.configuration.declaration import Configuration, Service
from shared.rollout.strategy import Strategy

_RELEASES, _SERVICE_IMAGE_GIB = 60, 0.06  # a month, of each service; layers that releases share count once
_ROLLOUT_MESSAGES = 60  # verdicts, steps and announcements of one rollout that passes
_MESSAGE_SECONDS = 0.3  # of any function but the tick's: an assumption on the safe side


def registry(found: Configuration) -> Iterator[Line]:
    """What all environments share, once a month: images and their scan."""
    kept = found.registry.kept_releases * len(found.services)
    gib = kept * _SERVICE_IMAGE_GIB
    yield Line(
        what="images of services",
        dollars=max(0.0, gib - prices.REGISTRY_FREE_GIB) * prices.REGISTRY_GIB,
        how=f"{gib:g} GiB: {kept} releases kept, {_SERVICE_IMAGE_GIB:g} GiB each that are not shared",
        source=prices.REGISTRY,
    )
    pushed = _RELEASES * len(found.services)
    yield Line(
        what="scanning for vulnerabilities",
        dollars=pushed * prices.SCANNED_IMAGE,
        how=f"{pushed} images pushed, each scanned once; a promotion pushes none",
        source=prices.SCANNING,
    )


def canary(service: Service, strategy: Strategy, region: str) -> Iterator[Line]:
    """What one rollout that passes adds: messages, and the second revision for as long as it is judged."""
    dearer = prices.run_factor(region)
    seconds = _ROLLOUT_MESSAGES * _MESSAGE_SECONDS
    yield Line(
        what="its messages",
        dollars=seconds * (prices.RUN_CPU_SECOND + 0.5 * prices.RUN_GIB_SECOND),
        how=f"about {_ROLLOUT_MESSAGES} of {_MESSAGE_SECONDS:g} s",
        source=prices.RUN,
    )
    judged = (strategy.step_bake_time * len(strategy.steps) + strategy.final_bake_time).total_seconds()
    gib = service.memory_mib / 1024
    yield Line(
        what="the second revision",
        dollars=judged * dearer * (int(service.cpu) * prices.RUN_CPU_SECOND + gib * prices.RUN_GIB_SECOND),
        how=f"one instance more for {judged / 60:.0f} minutes, were it busy all the time" + times(dearer),
        source=prices.RUN,
    )
