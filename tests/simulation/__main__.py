"""Simulates whole deliveries from seeds and says whether every promise held."""

import argparse
import gc
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.breakages import BREAKAGES
from tests.simulation.campaign import Life, first_failure, live, shrunk
from tests.simulation.faults import Fault
from tests.simulation.world import Setup

BREAKAGE_SEEDS = 500
_CHUNK = 20


def main() -> int:
    """The exit code: 0 when every promise held, and every breakage was found."""
    arguments = _arguments()
    if arguments.breakages:
        return _break_everything(arguments.first)
    if arguments.seed is not None:
        return _replay(Setup(arguments.seed, arguments.judge, arguments.only, arguments.without))
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    return _campaign(seeds, arguments.judge, arguments.seconds_max)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="how many (default: 500)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument("--judge", choices=("drawn", "real"), default="drawn", help="verdicts drawn, or really judged")
    parser.add_argument("--seconds-max", type=float, default=math.inf, help="fail when it takes longer")
    parser.add_argument("--seed", type=int, help="replay this one alone")
    parser.add_argument("--only", type=_numbers, help="with these happenings only, by number: 0,3")
    parser.add_argument(
        "--without", type=_faults, default=frozenset(), help=f"without these faults: {', '.join(Fault)}"
    )
    parser.add_argument("--breakages", action="store_true", help="break the rules on purpose; each must be found")
    return parser.parse_args()


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(number) for number in text.split(",") if number)


def _faults(text: str) -> frozenset[Fault]:
    return frozenset(Fault(name) for name in text.split(",") if name)


def _campaign(seeds: range, judge: str, seconds_max: float) -> int:
    began, steps, done = time.monotonic(), 0, 0
    for life in _parallel(live, (Setup(seed, judge) for seed in seeds)):
        steps, done = steps + life.steps, done + 1
        if life.failure:
            failure = shrunk(life.failure)
            print(f"\n{failure.found}\n", *failure.history, f"\nreplay: {failure.command}", sep="\n  ")
            return 1
        if sys.stdout.isatty():
            print(f"\r{done} of {len(seeds)} seeds", end="", flush=True)
    seconds = time.monotonic() - began
    print(f"\r{done} seeds, {steps} steps in {seconds:.0f} s, {steps / seconds:.0f} steps/s: every promise held.")
    if seconds > seconds_max:
        print(f"It took longer than {seconds_max:.0f} s.")
        return 1
    return 0


def _parallel(work: Callable[[Setup], Life], setups: Iterable[Setup]) -> Iterable[Life]:
    """In the order of the setups, so that the same failure is found first every time."""
    # What is loaded by now stays: the collector need not go through it after every world.
    with ProcessPoolExecutor(os.cpu_count(), initializer=gc.freeze) as pool:
        try:
            yield from pool.map(work, setups, chunksize=_CHUNK)
        finally:
            pool.shutdown(cancel_futures=True)


def _replay(setup: Setup) -> int:
    life = live(setup)
    if life.failure is None:
        print(f"seed {setup.seed}: every promise held in {life.steps} steps.")
        return 0
    print(life.failure.found, *life.failure.history, sep="\n  ")
    return 1


def _break_everything(first: int) -> int:
    """A row of the table in docs/explanation/failure_model.md for each."""
    print("| mistake | breaks | found as | seeds |\n|---|---|---|---|")
    missed = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(seeds_until_found, range(len(BREAKAGES)), [first] * len(BREAKAGES))
        for breakage, (seeds, what) in zip(BREAKAGES, found, strict=True):
            missed += what not in breakage.breaks or not what
            told = f"{what} | {seeds}" if seeds else f"nothing | above {BREAKAGE_SEEDS}"
            print(f"| {breakage.mistake} | {', '.join(breakage.breaks)} | {told} |", flush=True)
    print(f"{len(BREAKAGES) - missed} of {len(BREAKAGES)} breakages found.")
    return 1 if missed else 0


def seeds_until_found(number: int, first: int = 0, tried: int = BREAKAGE_SEEDS) -> tuple[int | None, str]:
    """How many seeds it takes to find one breakage, and the letter of the promise it broke; None and "" when none does.

    "bug" when a handler raised what none should.
    """
    with BREAKAGES[number].made():
        failure = first_failure(range(first, first + tried))
    if failure is None:
        return None, ""
    return failure.setup.seed - first + 1, failure.found[1] if failure.found.startswith("(") else "bug"


if __name__ == "__main__":
    sys.exit(main())
