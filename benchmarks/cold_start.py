"""Cold start of every function's zip: from starting the process to its first answer, against a bare function.

One function after the other: each round starts its zip twice, for a message it ignores and for one on which it does its
full work, and before each of them the bare functions-framework function, always in a fresh process. Figures are ratios
to the bare starts of the same minutes, the fastest to the fastest and so on to the slowest: what else the machine does
then slows both sides of a ratio.
The servers that a mattering message needs run in this process; the files are in the page cache.
"""

import argparse
import base64
import http.client
import json
import os
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from benchmarks import processor_time
from benchmarks.figures import Figure, report
from benchmarks.messages import Sent, ignored
from benchmarks.reaction import NEVER
from benchmarks.scenes import Backups, Deliveries, Scene
from scripts.local_cloud.backups import BackupSettings, LocalBackups
from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.functions_host import INHERITED, framework_command
from scripts.local_cloud.processes import child
from scripts.local_cloud.processes.ports import free_port
from scripts.local_cloud.pubsub.push_token import push_token
from scripts.local_cloud.settings import FAST_STRATEGY, SERVICE, Settings
from scripts.local_cloud.topology import FUNCTIONS, PUSH_CALLER
from scripts.package_functions import package

REPOSITORY = Path(__file__).resolve().parents[1]
DIRECTORY = REPOSITORY / "build" / "benchmark-cold-start"
PAGE = REPOSITORY / "docs" / "reference" / "speed.md"
_BEGIN, _END = "<!-- cold start -->", "<!-- end of cold start -->"
BARE = "bare"
BARE_SOURCE = """
import functions_framework


@functions_framework.http
def bare(request):
    return "ok"
"""
MATTERS_RATIO_MAX = 1.9
IGNORED_RATIO_MAX = 1.1
IGNORED, MATTERS = "ignored", "matters"
TARGETS = {IGNORED: IGNORED_RATIO_MAX, MATTERS: MATTERS_RATIO_MAX}
WALL, PROCESSOR = "wall", "processor"
Variant = tuple[str, str]  # the function, and whether its message matters
Start = tuple[float, float]  # seconds of the bare function's and of the variant's
LOOK_SECONDS = 0.002
# The scene's canary stands for the whole run: it is neither too old for its step nor for an alert.
_PATIENT = {
    **FAST_STRATEGY,
    "step_deadline_seconds": 86_400,
    "alert_age_max_seconds": 600,
    "action_window_seconds": 86_400,
}
START_SECONDS_MAX = 60.0


class Starter:
    """Unpacked zips, and the environment a cloud gives them."""

    def __init__(self, home: Path, environment: Mapping[str, str], functions: Sequence[str], clock: str) -> None:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self._environment = {**kept, **environment, "WORKERS": "1", "THREADS": "8"}
        self._home = home
        self._clock = clock
        for name in functions:
            archive = package(name).write(home / "zips")
            with zipfile.ZipFile(archive) as files:
                files.extractall(self._home / name)
        (self._home / BARE).mkdir()
        (self._home / BARE / "main.py").write_text(BARE_SOURCE)

    def seconds(self, function: str, sent: Sent) -> float:
        """From the start of the process to its first answer, by the clock. Raises ValueError when it is another one."""
        port = free_port()
        audience = f"http://127.0.0.1:{port}"
        environment = {**self._environment, "HOME": str(self._home), "PUSH_AUDIENCE": audience}
        if function == "build_finished":
            environment["DELIVERY_ENVIRONMENT"] = _deploying_on_builds(environment["DELIVERY_ENVIRONMENT"])
        bearer = push_token(
            self._environment["PUSH_TOKEN_KEY"].encode(), email=PUSH_CALLER, audience=audience, now=datetime.now(UTC)
        )
        log = self._home / f"{function}.log"
        with log.open("ab") as output:
            began = time.perf_counter()
            process = subprocess.Popen(
                framework_command(function, port),
                cwd=self._home / function,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            status, answer = _first_answer(port, sent, bearer, began + START_SECONDS_MAX)
            took = processor_time.used(process.pid) if self._clock == PROCESSOR else time.perf_counter() - began
        finally:
            child.stop(process)
        if status != http.client.OK or not answer.startswith(sent.rules):
            raise ValueError(f"{function} answered {status} {answer}; {log} says why")
        return took


def _first_answer(port: int, sent: Sent, bearer: str, deadline: float) -> tuple[int, str]:
    message = {
        "data": base64.b64encode(sent.data).decode(),
        "attributes": dict(sent.attributes),
        "messageId": uuid.uuid4().hex,
        "publishTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    body = json.dumps({"message": message, "subscription": f"projects/{PROJECT}/subscriptions/benchmark"})
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    while time.perf_counter() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS_MAX)
        with suppress(ConnectionError):
            connection.request("POST", f"/projects/{PROJECT}/topics/{sent.topic}", body, headers)
            response = connection.getresponse()
            answer = response.read().decode()
            connection.close()
            return response.status, answer
        connection.close()
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"no answer within {START_SECONDS_MAX:g} s")


def _deploying_on_builds(environment: str) -> str:
    changed = json.loads(environment)
    changed["services"][SERVICE]["deploys_on"] = "build"
    return json.dumps(changed)


def _measure(directory: Path, scene: Scene, options: argparse.Namespace) -> dict[Variant, list[Start]]:
    """Told function by function, as soon as each has its figures."""
    functions = [name for name in scene.functions if name in options.only]
    starter = Starter(directory / "starts", scene.environment(), functions, options.clock)
    seen: dict[Variant, list[Start]] = {}
    for function in functions:
        measured = _starts(starter, scene, function, options.rounds)
        told = (f"{kind} {_told(starts, TARGETS[kind])}" for (_, kind), starts in measured.items())
        print(f"{function:16}  {'  '.join(told)}", flush=True)
        seen |= measured
    return seen


def _starts(starter: Starter, scene: Scene, function: str, rounds: int) -> dict[Variant, list[Start]]:
    """Every start with the bare one before it, so that a busy machine slows both."""
    bare, known = Sent(topic="any", data=b"{}", rules=("ok",)), ignored()
    kinds = [kind for kind in TARGETS if kind == MATTERS or function in known]
    seen: dict[Variant, list[Start]] = {(function, kind): [] for kind in kinds}
    for number in range(rounds + 1):
        for (_, kind), starts in seen.items():
            scene.set(function)  # what the start before began, say a database, must not slow the bare one
            alone = starter.seconds(BARE, bare)
            sent = scene.set(function) if kind == MATTERS else known[function]  # as fresh as a real one
            start = alone, starter.seconds(function, sent)
            if kind == MATTERS:
                scene.check(function)
            if number:  # the first round fills caches and writes bytecode
                starts.append(start)
    return seen


def _told(starts: Sequence[Start], target: float) -> str:
    ratios = _ratios(starts)
    missed = "" if median(ratios) <= target else " missed"
    return f"{median(ratios):.2f} (fastest {ratios[0]:.2f}, slowest {ratios[-1]:.2f}, target {target:g}{missed})"


def _ratios(starts: Sequence[Start]) -> list[float]:
    bare, own = (sorted(seconds) for seconds in zip(*starts, strict=True))
    return [took / alone for took, alone in zip(own, bare, strict=True)]


def table(seen: Mapping[Variant, Sequence[Start]]) -> str:
    """Medians by function, for the page: what is missed stands out."""
    rounds = max(map(len, seen.values()))
    bare = [alone for starts in seen.values() for alone, _ in starts]
    told = f"{rounds} rounds; a bare function took {min(bare):.2f} s to {max(bare):.2f} s, {median(bare):.2f} s mostly."
    head = f"| function | ignored (target ≤ {IGNORED_RATIO_MAX:g}) | full work (target ≤ {MATTERS_RATIO_MAX:g}) |"
    rows = [
        f"| `{name}` | {_cell(seen, (name, IGNORED))} | {_cell(seen, (name, MATTERS))} |"
        for name in FUNCTIONS
        if any(function == name for function, _ in seen)
    ]
    return "\n".join([told, "", head, "|---|---|---|", *rows])


def _cell(seen: Mapping[Variant, Sequence[Start]], variant: Variant) -> str:
    if variant not in seen:
        return ""
    ratio = median(_ratios(seen[variant]))
    return f"{ratio:.2f}" if ratio <= TARGETS[variant[1]] else f"**{ratio:.2f}**"


def written(page: str, text: str) -> str:
    """The page with `text` between its two marks. Raises ValueError when they are not there."""
    before, begun, rest = page.partition(_BEGIN)
    _, ended, after = rest.partition(_END)
    if not begun or not ended:
        raise ValueError(f"the page must have {_BEGIN} and after it {_END}")
    return f"{before}{begun}\n{text}\n{ended}{after}"


def main() -> int:
    """The exit code: 0 when every ratio is within its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="starts of each zip and message (default: 15)")
    parser.add_argument("--only", nargs="+", choices=FUNCTIONS, default=FUNCTIONS, help="these functions alone")
    parser.add_argument("--write", action="store_true", help=f"and write the table of {PAGE.relative_to(REPOSITORY)}")
    clock = "processor: what the process used of the machine, where others use it as well (default: wall)"
    parser.add_argument("--clock", choices=(WALL, PROCESSOR), default=WALL, help=clock)
    options = parser.parse_args()
    if options.write and (set(options.only) != set(FUNCTIONS) or options.clock != WALL):
        parser.error("--write needs all functions, and the clock on the wall")
    seen: dict[Variant, list[Start]] = {}
    if set(options.only) & set(Deliveries.functions):
        settings = Settings(strategy=_PATIENT, tick_period=timedelta(milliseconds=500), reconcile_delay=timedelta(0))
        with LocalCloud(DIRECTORY / "deliveries", settings) as cloud, closing(Deliveries(cloud)) as scene:
            seen |= _measure(cloud.directory, scene, options)
    if set(options.only) & set(Backups.functions):
        with (
            LocalBackups(DIRECTORY / "backups", BackupSettings(drill_tick=NEVER)) as databases,
            closing(Backups(databases)) as scene_of_backups,
        ):
            seen |= _measure(databases.directory, scene_of_backups, options)
    if options.write:
        PAGE.write_text(written(PAGE.read_text(), table(seen)))
    figures = [Figure(what="a bare function", values=[alone for row in seen.values() for alone, _ in row], unit="s")]
    for (function, kind), starts in seen.items():
        figures.append(Figure(what=f"{function}, {kind}", values=_ratios(starts), unit="x", target=TARGETS[kind]))
    return report(f"Cold start to the first answer, times a bare function, {options.rounds} rounds", figures)


if __name__ == "__main__":
    sys.exit(main())
