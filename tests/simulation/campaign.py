"""Many seeds, and the shortest history of the one that broke a promise."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.simulation.faults import Fault
from tests.simulation.nights import Nights
from tests.simulation.promised import Broken
from tests.simulation.world import Setup, World

NIGHTS_EVERY = 5


@dataclass(frozen=True)
class Failure:
    """setup: replays it; found: the broken promise, or the error a handler raised; history: what was left of it."""

    setup: Setup
    found: str
    history: tuple[str, ...]

    @property
    def command(self) -> str:
        """The one line that replays it."""
        options = [f"--seed {self.setup.seed}", f"--judge {self.setup.judge}"]
        if self.setup.only is not None:
            options.append(f"--only {','.join(map(str, sorted(self.setup.only)))}")
        if self.setup.without:
            options.append(f"--without {','.join(sorted(self.setup.without))}")
        return f"scripts/simulate {' '.join(options)}"


def world_of(setup: Setup) -> World | Nights:
    """Every fifth seed is about backups, the others about deliveries."""
    return Nights(setup) if setup.seed % NIGHTS_EVERY == NIGHTS_EVERY - 1 else World(setup)


@dataclass(frozen=True)
class Life:
    """One world from beginning to end. steps: of virtual time; failure: None when every promise held."""

    steps: int
    failure: Failure | None


def live(setup: Setup) -> Life:
    """Everything a handler raises that is our own bug counts as a failure, too."""
    with _without_collector():
        return _lived(setup)


def _lived(setup: Setup) -> Life:
    world = world_of(setup)
    try:
        world.live()
    except Broken as error:
        found = str(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, the seed that shows it is the result
        found = f"{type(error).__name__}: {error}"
    else:
        return Life(world.timeline.steps, None)
    history = (*map(str, world.happenings), *world.bus.told[-12:])
    return Life(world.timeline.steps, Failure(setup, found, history))


@contextmanager
def _without_collector() -> Iterator[None]:
    """A world is small and soon gone: looking for its cycles meanwhile would take a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def first_failure(seeds: Iterable[int], judge: str = "drawn") -> Failure | None:
    """Of the seeds in their order."""
    for seed in seeds:
        failure = live(Setup(seed, judge)).failure
        if failure:
            return failure
    return None


def shrunk(failure: Failure) -> Failure:
    """The same seed with as few happenings and kinds of faults as still break the same promise."""
    best = failure
    numbers = {row.number for row in world_of(replace(failure.setup, only=None)).happenings}
    only = failure.setup.only if failure.setup.only is not None else frozenset(numbers)
    candidates = [("only", number) for number in sorted(only)] + [("without", fault) for fault in Fault]
    shorter = True
    while shorter:
        shorter = False
        for kind, item in candidates:
            setup = _less(best.setup, only, kind, item)
            if setup == best.setup:
                continue
            found = live(setup).failure
            if found and _promise(found) == _promise(failure):
                best, only, shorter = found, setup.only if setup.only is not None else only, True
    return best


def _less(setup: Setup, only: frozenset[int], kind: str, item: object) -> Setup:
    if kind == "only":
        return replace(setup, only=frozenset(only) - {item}) if item in only else setup
    assert isinstance(item, Fault)
    return replace(setup, without=setup.without | {item})


def _promise(failure: Failure) -> str:
    return failure.found.partition("Found:")[0].partition(":")[0]
