"""Our own messages survive the way there and back exactly, and are versioned."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.analysis.evidence import Histogram, History, Probe, Sample
from shared.analysis.proof import Risk
from shared.analysis.question import Question
from shared.analysis.verdict import Verdict
from shared.errors import InvalidEvent
from shared.events import announcement, deploy_request, verdict
from shared.rollout.announcement import Announcement
from shared.rollout.facts import DeployRequested
from shared.rollout.names import Release
from shared.rollout.observations import Judged
from tests.events.payloads import NOW, message

_TEXT = st.text(min_size=1, max_size=20)
_TIMES = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:".__add__)
_FLOATS = st.floats(min_value=0, max_value=1e12)
_RELEASES = st.builds(Release, image=_TEXT, digest=_DIGESTS, requested_at=_TIMES, commit=st.text(), tag=st.text())
_REQUESTS = st.builds(
    DeployRequested,
    service=_TEXT,
    release=_RELEASES,
    source=st.sampled_from(["push", "build", "waiting"]),
    by=_TEXT,
    frozen=st.just(""),
    session_affinity=st.just(False),
)
_VERDICTS = st.builds(
    Verdict,
    reason=_TEXT,
    evidence_of_harm=_FLOATS,
    evidence_of_safety=_FLOATS,
    canary_p90_ms=st.none() | _FLOATS,
    baseline_p90_ms=st.none() | _FLOATS,
    minutes_needed=_FLOATS,
)
_PROBES = st.builds(Probe, revision=_TEXT, path=_TEXT, latency_ms=_FLOATS)
_JUDGED = st.builds(
    Judged,
    service=_TEXT,
    at=_TIMES,
    step=st.none() | st.integers(0, 9),
    probes=st.lists(_PROBES, max_size=3).map(tuple),
    verdict=st.none() | _VERDICTS,
    announced=st.lists(_TEXT, max_size=3).map(tuple),
    requests_per_minute=_FLOATS,
)
_BOUNDS = st.lists(_FLOATS, min_size=1, max_size=4, unique=True).map(sorted).map(tuple)


@st.composite
def _histograms(draw: st.DrawFn) -> Histogram:
    bounds = draw(_BOUNDS)
    counts = draw(st.lists(st.integers(0, 999), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    return Histogram(bounds_ms=bounds, counts=tuple(counts))


_SAMPLES = st.builds(
    Sample,
    end=_TIMES,
    requests_by_class=st.dictionaries(_TEXT, st.integers(0, 10**6), max_size=3),
    latency=st.just(Histogram()) | _histograms(),
    failed_starts=st.integers(0, 99),
)
_SPANS = st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds))
_QUESTIONS = st.builds(
    Question,
    history=st.builds(
        History,
        sample_period=_SPANS,
        ingest_delay=_SPANS,
        settled_until=_TIMES,
        samples=st.fixed_dictionaries(
            {"canary": st.lists(_SAMPLES, max_size=4).map(tuple), "stable": st.lists(_SAMPLES, max_size=4).map(tuple)}
        ),
    ),
    canary=st.just("canary"),
    stable=st.just("stable"),
    rollout_started=_TIMES,
    step_started=_TIMES,
    share=st.integers(1, 100),
    next_share=st.integers(1, 100),
    risk=st.builds(
        Risk,
        false_rollback_risk=_FLOATS,
        missed_harm_risk=_FLOATS,
        harm_points_max=_FLOATS,
        latency_points_max=_FLOATS,
        latency_ms_min=_FLOATS,
        proof_time=_SPANS,
    ),
    probes=st.lists(_PROBES, max_size=2).map(tuple),
)
_NEWS = st.builds(
    Announcement,
    key=_TEXT,
    kind=_TEXT,
    service=_TEXT,
    at=_TIMES,
    text=_TEXT,
    details=st.dictionaries(_TEXT, st.text(), max_size=3),
)


@given(_REQUESTS)
def test_a_deploy_request_survives(request: DeployRequested) -> None:
    assert deploy_request.parse(message(deploy_request.encode(request)[0])) == request


@given(_JUDGED)
def test_a_verdict_survives_and_its_attribute_routes_it(judged: Judged) -> None:
    data, attributes = verdict.encode(judged)
    assert verdict.parse(message(data)) == judged
    assert attributes["verdict"] == (judged.verdict.health if judged.verdict else "none")


@given(_JUDGED, _QUESTIONS)
def test_what_a_verdict_is_made_of_survives_with_it(judged: Judged, question: Question) -> None:
    data, attributes = verdict.encode(judged, question)
    assert verdict.parse(message(data)) == judged
    assert verdict.parse_question(message(data)) == question
    assert attributes["evidence"] == "yes"


def test_a_verdict_without_its_question_is_not_marked_for_keeping() -> None:
    data, attributes = verdict.encode(Judged(service="web", at=NOW, sequence=1))
    assert verdict.parse_question(message(data)) is None
    assert "evidence" not in attributes


def test_a_verdict_with_its_question_may_be_as_long_as_the_most_and_wastes_none_of_it_on_spaces() -> None:
    def sent(length: int) -> tuple[bytes, dict[str, str]]:
        judged = Judged(service="web", at=NOW, sequence=1, canary_message="x" * length)
        return verdict.encode(judged, asked(Sample(end=NOW, requests_by_class={"2xx": 1})))

    room = verdict.QUESTION_BYTES_MAX - len(sent(0)[0])
    data, attributes = sent(room)
    assert len(data) == verdict.QUESTION_BYTES_MAX
    assert attributes["evidence"] == "yes"
    assert len(data) == len(json.dumps(json.loads(data), separators=(",", ":")))
    assert "evidence" not in sent(room + 1)[1]


def test_a_history_too_long_to_send_leaves_the_verdict_alone() -> None:
    judged = Judged(service="web", at=NOW, sequence=1)
    rows = tuple(Sample(end=NOW, requests_by_class={"2xx": at}) for at in range(20_000))
    data, attributes = verdict.encode(judged, asked(Sample(end=NOW), *rows))
    assert verdict.parse(message(data)) == judged
    assert verdict.parse_question(message(data)) is None
    assert "evidence" not in attributes


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bounds_ms": [["x"]]}, "question.bounds_ms"),
        ({"samples": {"canary": [{"end": "noon", "requests": {}}]}}, "question.samples.canary[0].end"),
        ({"samples": {"canary": [{"end": 1, "requests": {"2xx": "1"}}]}}, "question.samples.canary[0].requests.2xx"),
        ({"samples": {"canary": [{"end": 1e300, "requests": {}}]}}, "question.samples.canary[0].end"),
        ({"samples": {"canary": [{"end": 1, "requests": {}, "bounds": 7}]}}, "question.samples.canary[0].bounds"),
        (
            {"samples": {"canary": [{"end": 1, "requests": {}, "bounds": 0, "counts": {"9": 1}}]}},
            "question.samples.canary[0].counts.9",
        ),
        ({"share": None}, "question.share"),
        ({"sample_period": "a minute"}, "question.sample_period"),
        ({"risk": {}}, "question.risk.false_rollback_risk"),
        ({"ingest_delay": float("nan")}, "question.ingest_delay"),
        ({"ingest_delay": 1e300}, "question.ingest_delay"),
    ],
)
def test_a_question_that_cannot_be_read_says_which_field(changes: dict[str, object], field: str) -> None:
    latency = Histogram(bounds_ms=(1.0, 2.0), counts=(1, 0, 0))
    body = json.loads(
        verdict.encode(Judged(service="web", at=NOW, sequence=1), asked(Sample(end=NOW, latency=latency)))[0]
    )
    body["question"].update(changes)
    with pytest.raises(InvalidEvent) as error:
        verdict.parse_question(message(json.dumps(body).encode()))
    assert error.value.field == field


def asked(*samples: Sample) -> Question:
    history = History(
        sample_period=timedelta(minutes=1), ingest_delay=timedelta(), settled_until=NOW, samples={"canary": samples}
    )
    return Question(history=history, canary="canary", stable="stable", rollout_started=NOW, step_started=NOW, share=5)


@given(_NEWS)
def test_an_announcement_survives_and_carries_the_record(news: Announcement) -> None:
    data, attributes = announcement.encode(news, record="{}")
    assert announcement.parse(message(data)) == news
    assert json.loads(data)["record"] == "{}"
    assert json.loads(announcement.encode(news)[0])["record"] == ""
    assert attributes["kind"] == news.kind


@pytest.mark.parametrize("parser", [deploy_request.parse, verdict.parse, announcement.parse])
@pytest.mark.parametrize("found", [0, 2, "1", True, None])
def test_another_version_is_not_guessed_at(parser: object, found: object) -> None:
    with pytest.raises(InvalidEvent) as error:
        parser(message({"v": found}))  # type: ignore[operator]
    assert error.value.field == "v"


def test_what_a_verdict_leaves_out_is_nothing() -> None:
    judged = Judged(service="web", at=NOW, sequence=1)
    body = json.loads(verdict.encode(judged)[0])
    short = {name: body[name] for name in ("v", "service", "at", "sequence", "canary_state")}
    assert verdict.parse(message(short)) == judged


def test_details_are_texts() -> None:
    body = json.loads(announcement.encode(Announcement(key="k", kind="x", service="s", at=NOW, text="t"))[0])
    with pytest.raises(InvalidEvent, match=r"details\.percent"):
        announcement.parse(message({**body, "details": {"percent": 5}}))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"announced": "x"}, "announced"),
        ({"sequence": True}, "sequence"),
        ({"probes": [{"revision": "r", "path": "/", "outcome": "fine"}]}, "probes[0].outcome"),
        ({"verdict": {"health": "well", "reason": "x"}}, "verdict.health"),
        ({"verdict": {"health": "healthy", "reason": "x", "evidence_of_harm": "much"}}, "verdict.evidence_of_harm"),
        ({"verdict": {"health": "healthy", "reason": "x", "canary_p90_ms": 10**400}}, "verdict.canary_p90_ms"),
        ({"canary_state": "gone"}, "canary_state"),
        ({"step": "first"}, "step"),
    ],
)
def test_a_broken_verdict_names_its_field(changes: dict[str, object], field: str) -> None:
    body = json.loads(verdict.encode(Judged(service="web", at=NOW, sequence=1))[0])
    with pytest.raises(InvalidEvent) as error:
        verdict.parse(message({**body, **changes}))
    assert error.value.field == field
