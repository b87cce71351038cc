"""Waits until a pushed image is promoted or taken back, and says why: the pusher's view of a rollout.

    scripts/wait_for_rollout.py backend sha256:… --project P --region R
    scripts/wait_for_rollout.py backend sha256:… --project P --region R --minutes 90

Exit codes: 0 promoted; 1 taken back, refused, superseded or never started; 2 it waits for a person; 3 it still goes on.
It only reads the service's record. RUN_ENDPOINT ("host:port") names a local cloud.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.own_python import sentence

try:
    from shared.rollout.names import Phase
    from shared.rollout.record import Record
except ImportError as error:
    sys.exit(sentence(error))

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PUSHED_BEFORE = timedelta(minutes=10)  # the push is at most so much older than the wait for it
_BAD_ENDS = frozenset({Phase.ROLLED_BACK, Phase.FAILED, Phase.SUPERSEDED, Phase.ABORTED})


class State(IntEnum):
    """Of one release, as exit codes."""

    PROMOTED = 0
    ENDED = 1
    ASKS = 2
    GOES_ON = 3


class Sight(NamedTuple):
    """What one reading of the record says about one release."""

    state: State
    text: str

    @property
    def final(self) -> bool:
        return self.state in (State.PROMOTED, State.ENDED)


def sight(record: Record, digest: str, *, met: bool, since: datetime) -> Sight:
    """met: whether an earlier reading saw this release on trial; since: what was refused before is none of ours."""
    rollout = record.rollout
    if rollout and rollout.release.digest == digest:
        news = [item.text for item in record.outbox if item.rollout_id == rollout.id]
        said = f"{rollout.phase.replace('_', ' ')}: {news[-1]}" if news else rollout.phase.replace("_", " ")
        if rollout.phase is Phase.PROMOTED:
            return Sight(State.PROMOTED, said)
        if rollout.phase in _BAD_ENDS:
            bad = record.is_known_bad(digest)
            return Sight(State.ENDED, f"rolled back: {bad.reason}" if bad else said)
        if rollout.hold:
            return Sight(State.ASKS, f"held ({rollout.hold.cause.replace('_', ' ')}): {rollout.hold.reason}")
        return Sight(State.GOES_ON, said)
    if record.waiting and record.waiting.digest == digest:
        return Sight(State.ASKS, _waiting(record, digest))
    if bad := record.is_known_bad(digest):
        return Sight(State.ENDED, f"refused: it was rolled back at {bad.at:%Y-%m-%d %H:%M} UTC. {bad.reason}")
    if record.stable_release and record.stable_release.digest == digest:
        return Sight(State.PROMOTED, "it is what users are on")
    if refused := _refused(record, digest, since):
        return Sight(State.ENDED, refused)
    if met:
        newer = rollout.release.short if rollout else "somebody"
        return Sight(State.ENDED, f"superseded: {newer} took its place")
    return Sight(State.GOES_ON, "not seen by the service yet")


def _waiting(record: Record, digest: str) -> str:
    told = [item.text for item in record.outbox if item.kind == "deploy.waiting" and item.details["digest"] == digest]
    if told:
        return told[-1]
    if record.pin:
        return f"waits: the service is pinned until a person releases it. {record.pin.reason}"
    return f"waits: {record.frozen or 'the ledger has the reason, under deploy.waiting'}"


def _refused(record: Record, digest: str, since: datetime) -> str:
    """As the record says it for a minute or two, until the ledger has it: the wait begins with the push."""
    told = [
        item.text
        for item in record.outbox
        if item.kind == "deploy.refused" and item.details["digest"] == digest and item.at >= since
    ]
    return told[-1] if told else ""


def follow(
    read: Callable[[], Record],
    digest: str,
    *,
    since: datetime,
    until: float,
    clock: Callable[[], float],
    sleep: Callable[[], None],
) -> Iterator[Sight]:
    """Every change, the last one is how it ended or where it stands; until: on `clock`, in seconds."""
    last, met = None, False
    while True:
        record = read()
        seen = sight(record, digest, met=met, since=since)
        met = met or (record.rollout is not None and record.rollout.release.digest == digest)
        if seen != last:
            yield seen
            last = seen
        if seen.final or clock() >= until:
            return
        sleep()


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("service", help="the Cloud Run service")
    parser.add_argument("digest", help="of the pushed image, sha256:…")
    parser.add_argument("--project", required=True, help="the environment's project id")
    parser.add_argument("--region", required=True, help="where the service runs")
    parser.add_argument("--minutes", type=float, default=120.0, help="how long to wait (default: 120)")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks (default: 10)")
    options = parser.parse_args()
    if not _DIGEST.fullmatch(options.digest):
        parser.error(f'digest: must be "sha256:" and 64 hex digits, not "{options.digest}"')

    try:
        from shared.adapters.cloud_run import CloudRun
        from shared.errors import DeliveryError, NotFound, Unavailable
        from shared.rollout import codec
    except ImportError as error:
        sys.exit(sentence(error))

    services = CloudRun(options.project, options.region, os.environ.get("RUN_ENDPOINT"))
    empty = Record(service=options.service)
    last = empty

    def read() -> Record:
        """The last one known while Cloud Run cannot be reached: a glitch is no outcome."""
        nonlocal last
        try:
            service = services.get(options.service)
        except Unavailable:
            return last
        last = codec.decode(service.record) if service.record else empty
        return last

    until = time.monotonic() + 60 * options.minutes
    seen = Sight(State.GOES_ON, "")
    try:
        changes = follow(
            read,
            options.digest,
            since=datetime.now(UTC) - PUSHED_BEFORE,
            until=until,
            clock=time.monotonic,
            sleep=lambda: time.sleep(options.every),
        )
        for seen in changes:
            print(f"{options.service} {options.digest.removeprefix('sha256:')[:7]}: {seen.text}", flush=True)
    except NotFound:
        parser.error(f"service: {options.service} does not exist in {options.region} of {options.project}")
    except DeliveryError as error:
        print(f"{options.service}: {error}", file=sys.stderr)
        return State.ASKS
    finally:
        services.close()
    if not seen.final:
        print(f"{options.service}: no end within {options.minutes:g} minutes.")
    return seen.state


if __name__ == "__main__":
    sys.exit(main())
