"""The pusher learns how a release ended, and why, from the service's record alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from google.cloud.run_v2.services.revisions.transports.grpc import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.cloud.run_v2.types import Service

from scripts.local_cloud.gapic.wire import Fail
from scripts.wait_for_rollout import State, follow, sight
from shared.analysis.verdict import Health
from shared.rollout import codec
from shared.rollout.commands import Verb
from shared.rollout.facts import Gate
from shared.rollout.names import Phase
from shared.rollout.record import Record
from shared.rollout.service import RECORD_ANNOTATION, RevisionState
from tests.adapters.wire import Recorder, served
from tests.rollout.cases import MINUTE, NOW, STABLE, command, digest, in_phase, judged, request, take

SCRIPT = Path(__file__).parents[2] / "scripts" / "wait_for_rollout.py"
OURS = digest("b")


def followed(*records: Record) -> list[tuple[State, str]]:
    """What is told when each look finds the next of these, and the clock runs out with the last."""
    looks, left = iter(records), iter(range(len(records) - 1, -1, -1))
    changes = follow(lambda: next(looks), OURS, since=NOW, until=0, clock=lambda: -next(left), sleep=lambda: None)
    return [(seen.state, seen.text) for seen in changes]


def test_a_good_release_is_followed_from_its_push_to_its_promotion() -> None:
    trial, _ = in_phase(Phase.PROGRESSING)
    promoted, _ = in_phase(Phase.PROMOTED)
    told = followed(STABLE, STABLE, trial, promoted)
    assert [state for state, _ in told] == [State.GOES_ON, State.GOES_ON, State.PROMOTED]
    assert told[0][1] == "not seen by the service yet"
    assert told[1][1] == "progressing: bbbbbbb passed its probes and gets 5 %."
    assert told[2][1].startswith("promoted: bbbbbbb is promoted after")


def test_a_bad_release_is_told_with_its_reason_also_when_the_announcement_has_left_the_record() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    back = take(record, judged(record, now + MINUTE, Health.UNHEALTHY), now + MINUTE).record
    for found in (back, replace(back, outbox=()), replace(back, outbox=(), rollout=None)):
        seen = sight(found, OURS, met=True, since=NOW)
        assert seen.state is State.ENDED
        assert "bbbbbbb is unhealthy" in seen.text


def test_a_release_that_never_starts_is_told_as_cloud_run_told_it() -> None:
    record, now = in_phase(Phase.PREPARING)
    fact = judged(record, now + MINUTE, canary_state=RevisionState.FAILED, canary_message="no such port")
    seen = sight(take(record, fact, now + MINUTE).record, OURS, met=True, since=NOW)
    assert (seen.state, "no such port" in seen.text) == (State.ENDED, True)


def test_what_takes_its_place_is_named() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    newer = take(record, request("c", now + MINUTE), now + MINUTE).record
    assert followed(record, newer)[-1] == (State.ENDED, "superseded: ccccccc took its place")


def test_a_held_release_and_a_waiting_one_ask_for_a_person() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    held = take(record, command(Verb.PAUSE, now), now).record
    assert sight(held, OURS, met=True, since=NOW) == (State.ASKS, "held (paused): amina paused: a reason.")
    frozen = replace(STABLE, frozen="amina froze web: election night.")
    waits = take(frozen, request(), NOW).record
    assert (
        sight(waits, OURS, met=False, since=NOW).text
        == "bbbbbbb waits: deploys are frozen: amina froze web: election night."
    )
    later = sight(replace(waits, outbox=()), OURS, met=False, since=NOW)
    assert later == (State.ASKS, "waits: amina froze web: election night.")


def test_a_refused_release_is_told_with_its_reason_unless_the_refusal_is_an_older_requests() -> None:
    shut = replace(request(), gate=Gate(refuses="it has CVE-2026-1 (critical, a fix exists)."))
    refused = take(STABLE, shut, NOW).record
    told = sight(refused, OURS, met=False, since=NOW)
    assert told == (State.ENDED, "bbbbbbb is refused: it has CVE-2026-1 (critical, a fix exists).")
    assert sight(refused, OURS, met=False, since=NOW + MINUTE).state is State.GOES_ON


def test_a_pin_is_why_a_release_waits() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    pinned = take(record, command(Verb.ROLLBACK, now), now).record
    waits = take(pinned, request("c", now + MINUTE), now + MINUTE).record
    seen = sight(replace(waits, outbox=()), digest("c"), met=False, since=NOW)
    assert (seen.state, "pinned until a person releases it" in seen.text) == (State.ASKS, True)


def test_what_users_are_on_already_needs_no_wait() -> None:
    assert sight(STABLE, digest("a"), met=False, since=NOW) == (State.PROMOTED, "it is what users are on")


@contextmanager
def recorded(*answers: Record) -> Iterator[str]:
    """A Cloud Run that answers with the next of these, the last again and again; without any it knows no service."""
    left = list(answers)

    def service(_request: object) -> Service:
        if not left:
            raise Fail(grpc.StatusCode.NOT_FOUND, "no such service")
        found = left.pop(0) if len(left) > 1 else left[0]
        return Service(annotations={RECORD_ANNOTATION: codec.encode(found)})

    with served(Recorder(get_service=service), ServicesGrpcTransport, RevisionsGrpcTransport) as endpoint:
        yield endpoint


def run(endpoint: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command_line = [sys.executable, str(SCRIPT), "web", *arguments, "--project", "demo", "--region", "africa-south1"]
    environment = {**os.environ, "RUN_ENDPOINT": endpoint}
    return subprocess.run(
        [*command_line, "--every", "0.01"], env=environment, capture_output=True, text=True, timeout=60
    )


def test_the_command_ends_with_the_release() -> None:
    trial, _ = in_phase(Phase.PROGRESSING)
    promoted, _ = in_phase(Phase.PROMOTED)
    with recorded(STABLE, trial, promoted) as endpoint:
        ended = run(endpoint, OURS)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[1] == "web bbbbbbb: progressing: bbbbbbb passed its probes and gets 5 %."


def test_out_of_time_is_no_success() -> None:
    trial, _ = in_phase(Phase.PROGRESSING)
    with recorded(trial) as endpoint:
        ended = run(endpoint, OURS, "--minutes", "0")
    assert ended.returncode == State.GOES_ON
    assert ended.stdout.splitlines()[-1] == "web: no end within 0 minutes."


def test_a_service_that_is_not_there_is_named() -> None:
    with recorded() as endpoint:
        refused = run(endpoint, OURS)
    assert refused.returncode == 2
    assert "web does not exist in africa-south1 of demo" in refused.stderr


@pytest.mark.parametrize(("digest_", "said"), [("sha256:12", "digest: must be"), ("latest", "digest: must be")])
def test_a_wrong_digest_names_its_field(digest_: str, said: str) -> None:
    refused = run("127.0.0.1:1", digest_)
    assert refused.returncode == 2
    assert said in refused.stderr
