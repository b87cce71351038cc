"""Eleven deliveries on a local cloud with real traffic, each decided by the functions that would run on Google Cloud.

It starts the cloud, deploys a first release, drives requests and WebSockets all the time, plays the scenarios one
after the other and ends with a table. The exit code is 1 when any outcome is not the expected one.
"""

import argparse
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from scripts.demonstration import proofs
from scripts.demonstration.backups import BackupDemonstration
from scripts.demonstration.images import Images, reference
from scripts.demonstration.outcome import Different, Outcome, table
from scripts.demonstration.play import Demonstration
from scripts.demonstration.scenarios import SCENARIOS, Scenario
from scripts.demonstration.screen import LiveScreen, PlainScreen, Screen
from scripts.local_cloud.how_to_play import how_to_play
from scripts.local_cloud.interruption import ends_on_signals
from scripts.local_cloud.leaks import leaks

DIRECTORY = Path(__file__).resolve().parents[2] / "build" / "demo"
PIPE_COLUMNS = 140
LEAKS_SHOWN = 3
INTERRUPTED = 130  # as shells count a Ctrl-C


def main() -> int:
    """The exit code: 0 when every outcome is as expected."""
    parser = _parser()
    options = parser.parse_args()
    console = Console()
    plain = options.plain or not console.is_terminal
    if not console.is_terminal:
        console = Console(width=PIPE_COLUMNS)
    if options.what == "backup":
        with ends_on_signals():
            return 0 if _backups(console, options.directory) else 1
    log = options.directory / "postgres.log"
    images = reference(log) if options.services == "reference" else Images()
    possible = [one for one in SCENARIOS if one.possible_with(images)]
    scenarios = list(options.only or possible)
    if impossible := [str(one.number) for one in scenarios if one not in possible]:
        parser.error(f"--only {','.join(impossible)}: not with these services")
    screen: Screen = PlainScreen(console) if plain else LiveScreen(console)
    try:
        with ends_on_signals(), Demonstration(options.directory, screen, images) as demonstration:
            outcomes = demonstration.play(scenarios)
            quiet = _conclude(console, outcomes, demonstration, plain=plain)
            if options.keep:
                cloud = demonstration.cloud
                console.print(how_to_play(cloud.endpoints(), cloud.directory), markup=False, soft_wrap=True)
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()
    except Different as problem:
        console.print(f"Not even the first release was deployed: {problem}", markup=False, style="bold red")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0 if quiet and all(outcome.as_expected for outcome in outcomes) else 1


def _parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {scenario.number:2}  {scenario.title}" for scenario in SCENARIOS)
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description=__doc__,
        epilog=f"scenarios:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = "deliveries, or how backups are made, verified, restored and found broken (default: deliveries)"
    parser.add_argument("what", nargs="?", choices=("deliveries", "backup"), default="deliveries", help=what)
    parser.add_argument("--plain", action="store_true", help="lines instead of the live view, as in a pipe")
    parser.add_argument("--only", type=_numbers, default=(), metavar="N[,N]", help="play only these scenarios")
    parser.add_argument(
        "--services",
        choices=("sample", "reference"),
        default="sample",
        help="what is deployed: a small sample (without scenario 12), or the reference backend on a real PostgreSQL"
        " (needs Node; without scenario 5)",
    )
    parser.add_argument("--keep", action="store_true", help="leave the cloud running afterwards, to play with")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="for logs and state (default: build/demo)")
    return parser


def _numbers(text: str) -> tuple[Scenario, ...]:
    by_number = {str(scenario.number): scenario for scenario in SCENARIOS}
    wanted = [part.strip() for part in text.split(",")]
    unknown = [part for part in wanted if part not in by_number]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no scenario {', '.join(unknown)}")
    return tuple(by_number[number] for number in wanted)


def _conclude(console: Console, outcomes: list[Outcome], demonstration: Demonstration, *, plain: bool) -> bool:
    """Whether no log has a key or a token in it."""
    console.print()
    console.print(table(outcomes, plain=plain))
    wrong = [outcome for outcome in outcomes if not outcome.as_expected]
    verdict = f"{len(outcomes) - len(wrong)} of {len(outcomes)} as expected"
    console.print(f"{verdict} in {demonstration.seconds:.0f} s; {demonstration.counts().in_words()}.", markup=False)
    leaked = leaks(demonstration.cloud.directory, (demonstration.cloud.token_key,))
    for line in leaked[:LEAKS_SHOWN]:
        console.print(f"A secret is in a log: {line}", markup=False, style="bold red", soft_wrap=True)
    if wrong or leaked:
        console.print(f"Logs are in {demonstration.cloud.directory}.", markup=False, style="bold red", soft_wrap=True)
    return not leaked


def _backups(console: Console, directory: Path) -> bool:
    """Whether everything was as expected."""
    began = time.monotonic()
    with BackupDemonstration(directory, PlainScreen(console)) as demonstration:
        rows = demonstration.play()
        console.print()
        console.print(proofs.table(rows))
        right = [row for row in rows if not row.different]
        verdict = f"{len(right)} of {len(rows)} as expected in {time.monotonic() - began:.0f} s."
        console.print(verdict, markup=False)
        if len(right) < len(rows):
            console.print(f"Logs are in {demonstration.cloud.directory}.", markup=False, soft_wrap=True)
    return len(right) == len(rows)


if __name__ == "__main__":
    sys.exit(main())
