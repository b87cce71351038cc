"""How fast a delivery reacts, warm, on a local cloud without delays of its own.

Readiness to first canary traffic: from the revision's Ready condition to the splitter's first share for it. Alert to
traffic back: from the alert's publication to the splitter sending everything to the stable revision. The reads and
writes of a rollback are those that the Cloud Run Admin API counted meanwhile; no tick disturbs, for there are none.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.cloud.run_v2.services.revisions.client import RevisionsClient
from google.cloud.run_v2.services.revisions.transports.grpc import RevisionsGrpcTransport

from benchmarks.figures import Figure, report
from scripts.local_cloud.cloud import ERRORS_POLICY, LocalCloud
from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.monitoring.alerts import Incident, notification
from scripts.local_cloud.settings import SERVICE, Settings, sample
from shared.adapters.cloud_run import CloudRun
from shared.adapters.google_api import insecure_channel
from shared.rollout import codec
from shared.rollout.commands import Verb
from shared.rollout.names import Phase
from shared.rollout.record import Record

DIRECTORY = Path(__file__).resolve().parents[1] / "build" / "benchmark-reaction"
NEVER = timedelta(days=1)
LOOK_SECONDS = 0.001
PATIENCE_SECONDS = 20.0
OPERATOR = "amina@example.org"


class Reactions:
    """One local cloud with a stable release, put through canaries that an alert takes back."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._run = CloudRun(PROJECT, REGION, cloud.run_endpoint)
        channel = insecure_channel(cloud.run_endpoint)
        self._revisions = RevisionsClient(transport=RevisionsGrpcTransport(channel=channel))

    def close(self) -> None:
        self._run.close()
        self._revisions.transport.close()

    def first_deployment(self) -> tuple[str, str]:
        """The digest and the revision of the promoted release."""
        digest = self._cloud.push("v0", sample("--version", "v0"))
        self._until(lambda: self._phase() is Phase.BAKING, "the first release bakes")
        self._command(Verb.PROMOTE)
        self._until(lambda: self._phase() is Phase.PROMOTED, "the first release is promoted")
        return digest, self._record().stable

    def once(self, number: int) -> dict[str, float]:
        """Seconds and counts of one canary and its rollback."""
        stable = self._record().stable
        self._cloud.push(f"v{number}", sample("--version", f"v{number}"))
        self._until(lambda: len(self._percents()) > 1, "the canary gets its first share")
        shared_at = time.time()
        canary = next(name for name in self._percents() if name != stable)
        ready_at = self._ready_at(canary)
        self._until(lambda: self._phase() is Phase.PROGRESSING, "the canary progresses")
        # Incidents carry whole seconds, and one from before the canary's first user is not about it.
        met = self._first_traffic_at()
        self._until(lambda: int(time.time()) >= met, "a second has begun since the canary met its first user")
        before, alerted_at = self._cloud.run_calls(), time.time()
        self._alert(canary, number, alerted_at)
        self._until(lambda: self._percents() == {stable: 100}, "traffic is back")
        back_at = time.time()
        after = self._cloud.run_calls()
        reads, writes = (after[name] - before[name] for name in ("get_service", "update_service"))
        self._until(lambda: self._record().pin is not None, "the service is pinned")
        self._command(Verb.RELEASE_PIN)
        self._until(lambda: self._record().pin is None, "the pin is released")
        return {"first_share": shared_at - ready_at, "back": back_at - alerted_at, "reads": reads, "writes": writes}

    def _first_traffic_at(self) -> float:
        rollout = self._record().rollout
        assert rollout is not None
        assert rollout.first_traffic_at is not None
        return rollout.first_traffic_at.timestamp()

    def _alert(self, revision: str, number: int, now: float) -> None:
        incident = Incident(
            id=f"0.benchmark{number}",
            policy=ERRORS_POLICY,
            revision=revision,
            started_at=now,
            observed_share=0.5,
        )
        body = notification(incident, incident.observed_share, None)
        self._cloud.publish("alerts", json.dumps(body).encode(), {})

    def _command(self, verb: Verb) -> None:
        self._cloud.command(verb, service=SERVICE, by=OPERATOR, why="a benchmark")

    def _percents(self) -> dict[str, int]:
        percents: dict[str, int] = self._cloud.data_plane.snapshot()["routes"][SERVICE]["percents"]
        return percents

    def _ready_at(self, revision: str) -> float:
        """Seconds since 1970."""
        name = f"projects/{PROJECT}/locations/{REGION}/services/{SERVICE}/revisions/{revision}"
        (ready,) = self._revisions.get_revision(name=name).conditions
        since: Any = ready.last_transition_time
        return float(since.timestamp())

    def _record(self) -> Record:
        text = self._run.get(SERVICE).record
        return codec.decode(text) if text else Record(service=SERVICE, stable="")

    def _phase(self) -> Phase | None:
        rollout = self._record().rollout
        return rollout.phase if rollout else None

    def _until(self, true: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not within {PATIENCE_SECONDS:g} s; logs are in {self._cloud.directory}")
            time.sleep(LOOK_SECONDS)


def main() -> int:
    """The exit code: 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="canaries to roll back (default: 15)")
    rounds = parser.parse_args().rounds
    settings = Settings(tick_period=NEVER, reconcile_delay=timedelta(0))
    with LocalCloud(DIRECTORY, settings) as cloud:
        reactions = Reactions(cloud)
        try:
            reactions.first_deployment()
            reactions.once(1)  # the functions' first messages are slower, and not what is measured
            seen = [reactions.once(number) for number in range(2, rounds + 2)]
        finally:
            reactions.close()
    measured = {name: [row[name] for row in seen] for name in seen[0]}
    figures = [
        Figure(what="ready to first canary traffic", values=measured["first_share"], unit="s", target=1),
        Figure(what="alert to traffic back", values=measured["back"], unit="s", target=0.2),
        Figure(what="reads of the service in a rollback", values=measured["reads"], unit="", exactly=1),
        Figure(what="writes of the service in a rollback", values=measured["writes"], unit="", exactly=1),
    ]
    return report(f"Reaction, warm, {rounds} rounds", figures)


if __name__ == "__main__":
    sys.exit(main())
