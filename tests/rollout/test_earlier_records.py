"""A rollout that an earlier version of our code began is carried on by this one, and what a later one began is kept."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.analysis.verdict import Health
from shared.errors import InvalidRecord, NewerRecord
from shared.events import announcement, deploy_request, verdict
from shared.events.message import Message
from shared.rollout import codec
from shared.rollout.commands import Verb
from shared.rollout.decide import decide
from shared.rollout.decision import RequestDeploy
from shared.rollout.names import NOTHING, Phase
from shared.rollout.observations import Judged
from shared.rollout.record import Record
from shared.rollout.traffic import split
from tests.rollout.cases import MINUTE, NOW, STRATEGY, command, in_phase, judged, phase_of, request, take

DATA = Path(__file__).parents[1] / "data" / "records"
RECORDS = sorted(path.stem for path in DATA.glob("*.json") if path.stem != "messages")
LATER = {"later": {"by": "the next version", "numbers": [1, 2.5, None]}}


def earlier(name: str) -> Record:
    return codec.decode((DATA / f"{name}.json").read_text())


def test_every_phase_has_its_record() -> None:
    phases = {"preparing", "verifying", "progressing", "baking", "promoted", "rolled_back"}
    assert set(RECORDS) == phases | {"paused", "edited"}


@pytest.mark.parametrize("name", RECORDS)
def test_nothing_of_it_is_lost_when_it_is_written_again(name: str) -> None:
    assert json.loads(codec.encode(earlier(name))) == json.loads((DATA / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("name", "health", "minutes", "then"),
    [
        ("preparing", None, 1, Phase.PROGRESSING),
        ("verifying", None, 1, Phase.PROGRESSING),
        ("progressing", Health.HEALTHY, 30, Phase.PROGRESSING),
        ("progressing", Health.UNHEALTHY, 3, Phase.ROLLED_BACK),
        ("baking", Health.HEALTHY, 90, Phase.PROMOTED),
        ("paused", Health.UNHEALTHY, 3, Phase.ROLLED_BACK),
    ],
)
def test_a_rollout_goes_on(name: str, health: Health | None, minutes: int, then: Phase) -> None:
    record = earlier(name)
    assert record.rollout
    now = record.rollout.phase_since + minutes * MINUTE
    after = take(record, judged(record, now, health), now).record
    assert phase_of(after) is then
    assert after.sequence == record.sequence + 1
    if (name, health) == ("progressing", Health.HEALTHY):
        assert split(after, STRATEGY) == {"web-00001-aaa": 50, "web-00002-bbb": 50}


@pytest.mark.parametrize("name", sorted(set(RECORDS) - {"rolled_back"}))
def test_a_person_takes_it_back(name: str) -> None:
    record, now = earlier(name), NOW + timedelta(days=1)
    assert phase_of(take(record, command(Verb.ROLLBACK, now, "r9"), now).record) is Phase.ROLLED_BACK


def test_what_was_rolled_back_stays_out_and_who_waits_is_let_in() -> None:
    record, now = earlier("rolled_back"), NOW + timedelta(days=1)
    assert take(record, request("b", now), now).rule == "known_bad"
    released = take(record, command(Verb.RELEASE_PIN, now, "r9"), now)
    [asked] = [effect.request for effect in released.effects if isinstance(effect, RequestDeploy)]
    assert take(released.record, asked, now).rule == "start"


def earlier_message(name: str, topic: str) -> Message:
    told: Mapping[str, Any] = json.loads((DATA / "messages.json").read_text())[name]
    data = json.dumps(told["data"]).encode()
    at = datetime(2026, 11, 23, 12, 2, tzinfo=UTC)
    return Message(id="1", topic=topic, published_at=at, data=data, attributes=told["attributes"])


def test_a_verdict_that_was_underway_moves_the_rollout_it_is_about() -> None:
    fact = verdict.parse(earlier_message("verdict", "verdicts"))
    assert isinstance(fact, Judged)
    record = earlier("progressing")
    assert decide(record, fact, fact.at, STRATEGY).rule == "waits"
    assert (fact.sequence, fact.verdict and fact.verdict.health) == (record.sequence, Health.HEALTHY)


@pytest.mark.parametrize(
    ("name", "topic", "parse"),
    [
        ("deploy_request", "deploy-requests", deploy_request.parse),
        ("announcement", "rollout-events", announcement.parse),
    ],
)
def test_other_messages_that_were_underway_are_read(name: str, topic: str, parse: Callable[[Message], Any]) -> None:
    assert parse(earlier_message(name, topic)).service == "web"


# ------------------------------------------------------------------------------------------- of a later version


def test_what_a_later_version_wrote_is_carried_along_wherever_it_stands() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    body = json.loads(codec.encode(take(record, command(Verb.PAUSE, now), now).record))
    for place in (body, body["rollout"], body["rollout"]["release"], body["rollout"]["hold"]):
        place.update(LATER)
    read = codec.decode(json.dumps(body))
    after = take(read, judged(read, now + MINUTE, target=""), now + MINUTE).record
    kept = json.loads(codec.encode(after))
    assert after.sequence == read.sequence + 1
    for place in (kept, kept["rollout"], kept["rollout"]["release"], kept["rollout"]["hold"]):
        assert place["later"] == LATER["later"]
    pinned = json.loads(codec.encode(take(record, command(Verb.ROLLBACK, now), now).record))
    pinned["pin"] |= LATER
    pinned["known_bad"][0] |= LATER
    assert json.loads(codec.encode(codec.decode(json.dumps(pinned)))) == pinned


def test_what_a_later_version_tells_is_read_without_what_it_adds() -> None:
    record, _ = in_phase(Phase.PROGRESSING)
    body = json.loads(codec.encode(record))
    body["outbox"][0] |= LATER
    assert codec.decode(json.dumps(body)) == record


def test_what_a_later_version_wrote_of_a_release_makes_it_no_other() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    pinned = take(record, command(Verb.ROLLBACK, now), now).record
    body = json.loads(codec.encode(take(pinned, request("c", now), now).record))
    body["waiting"] |= LATER
    waiting = codec.decode(json.dumps(body))
    assert waiting.waiting
    assert waiting.waiting.extra != NOTHING
    assert take(waiting, request("c", now), now).rule == "duplicate"


def test_a_later_schema_is_left_to_the_version_that_writes_it() -> None:
    body = json.loads((DATA / "progressing.json").read_text())
    with pytest.raises(NewerRecord, match="web: its record has schema 2, and this version reads 1"):
        codec.decode(json.dumps({**body, "schema": 2}))


def test_an_earlier_schema_is_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a version will read whose schema is 3: 1 → 2 names `good` anew, 2 → 3 counts from one more."""
    lifts = {
        1: lambda body: {**{name: row for name, row in body.items() if name != "proved"}, "good": body["proved"]},
        2: lambda body: {**body, "sequence": body["sequence"] + 1},
    }
    record = earlier("progressing")
    body = json.loads(codec.encode(record))
    body["proved"] = body.pop("good")
    monkeypatch.setattr(codec, "SCHEMA", 3)
    monkeypatch.setattr(codec, "LIFTS", lifts)
    read = codec.decode(json.dumps(body))
    assert (read.good, read.sequence) == (record.good, record.sequence + 1)
    assert json.loads(codec.encode(read))["schema"] == 3
    with pytest.raises(InvalidRecord, match="this version reads 1, 2, 3, not 0"):
        codec.decode(json.dumps({**body, "schema": 0}))
