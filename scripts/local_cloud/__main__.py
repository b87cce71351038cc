"""Runs a local cloud until Ctrl-C, or talks to the one that runs."""

import argparse
import json
import sys
import threading
from pathlib import Path

from rich.console import Console

from scripts.local_cloud.control import NotRunning, Refused, ask
from scripts.local_cloud.how_to_play import how_to_play
from scripts.local_cloud.interruption import ends_on_signals
from scripts.local_cloud.settings import DIRECTORY, SERVICE, Settings, sample
from scripts.local_cloud.status_view import tables
from scripts.local_cloud.watching import watch
from shared.rollout.commands import Verb
from shared.rollout.names import Phase

EXAMPLES = """examples:
  python -m scripts.local_cloud                              start it, with a first release and some traffic
  python -m scripts.local_cloud status                       what runs where, and why
  python -m scripts.local_cloud push v2 --error-rate 0.3     a bad release
  python -m scripts.local_cloud watch v2                     its rollout as it happens, to the end
  python -m scripts.local_cloud command rollback --why "checkout fails in Lagos"
"""
FAULTS = ("error-rate", "latency-ms", "fail-after-seconds", "exit-at-start")


def main() -> int:
    """The exit code."""
    options = _parser().parse_args()
    console = Console()
    try:
        if options.what == "status":
            _status(options, console)
        elif options.what == "push":
            answer = ask(options.directory, "push", {"tag": options.tag, "command": list(_image(options))})
            console.print(f"pushed {options.tag} as {answer['digest']}", markup=False, soft_wrap=True)
        elif options.what == "watch":
            until = Phase(options.until) if options.until else None
            for line in watch(lambda: ask(options.directory, "status"), options.tag, until):
                console.print(line, markup=False, highlight=False, soft_wrap=True)
        elif options.what == "command":
            wish = {"command": options.verb, "service": options.service, "by": options.by, "why": options.why}
            answer = ask(options.directory, "command", wish)
            console.print(f"{options.verb} sent, request id {answer['request_id']}", markup=False)
        else:
            _run(options, console)
    except (NotRunning, Refused) as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.local_cloud",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where it keeps its logs and its address")
    parser.set_defaults(what="run")
    actions = parser.add_subparsers(title="what to do; without one, run")
    status = actions.add_parser("status", help="what runs where, and why")
    status.add_argument("--json", action="store_true", help="the whole snapshot, for machines")
    status.set_defaults(what="status")
    push = actions.add_parser("push", help="push an image of the sample service")
    push.add_argument("tag")
    for fault in FAULTS:
        push.add_argument(f"--{fault}", help=f"the image is built with this {fault.replace('-', ' ')}")
    push.add_argument("--never-listen", action="store_true", help="the image never opens its port")
    push.set_defaults(what="push")
    watching = actions.add_parser("watch", help="tell a rollout as it happens, until it ends")
    watching.add_argument("tag")
    watching.add_argument("--until", choices=[phase.value for phase in Phase], help="until it is in this phase")
    watching.set_defaults(what="watch")
    command = actions.add_parser("command", help="send an operator's command")
    command.add_argument("verb", choices=[verb.value for verb in Verb])
    command.add_argument("--why", required=True)
    command.add_argument("--by", default="operator@example.org")
    command.add_argument("--service", default=SERVICE)
    command.set_defaults(what="command")
    return parser


def _image(options: argparse.Namespace) -> tuple[str, ...]:
    flags = ["--version", options.tag]
    for fault in FAULTS:
        value = getattr(options, fault.replace("-", "_"))
        if value is not None:
            flags += [f"--{fault}", value]
    return sample(*flags, *(["--never-listen"] if options.never_listen else []))


def _status(options: argparse.Namespace, console: Console) -> None:
    snapshot = ask(options.directory, "status")
    if options.json:
        print(json.dumps(snapshot, indent=2))
    else:
        console.print(tables(snapshot))


def _run(options: argparse.Namespace, console: Console) -> None:
    from scripts.local_cloud.cloud import LocalCloud  # takes seconds, and whoever only asks needs none of it

    with ends_on_signals():
        console.print("Starting the local cloud...", style="dim")
        with LocalCloud(options.directory, Settings()) as cloud:
            cloud.drive_traffic(requests_per_second=50, web_sockets=5)
            cloud.push("v1", sample("--version", "v1"))
            console.print(how_to_play(cloud.endpoints(), cloud.directory), markup=False, soft_wrap=True)
            threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
