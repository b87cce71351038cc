"""What runbooks say about announcements is true: each kind exists, and each command advised is taken in that state."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

from shared.analysis.verdict import Health
from shared.rollout.commands import Verb
from shared.rollout.decision import Decision
from shared.rollout.facts import Gate
from shared.rollout.names import HoldCause, Phase
from shared.rollout.observations import TrafficEdited
from shared.rollout.record import Record
from shared.rollout.service import RevisionState, TrafficTarget
from tests.rollout.cases import MINUTE, NOW, STABLE, command, in_phase, judged, request, take

REPOSITORY = Path(__file__).parents[2]
RUNBOOKS = sorted((REPOSITORY / "docs" / "runbooks").glob("[A-Z]*.md"))
PAGES = [
    page
    for page in (
        *RUNBOOKS,
        *(REPOSITORY / "docs").rglob("*.md"),
        *REPOSITORY.glob("*.md"),
        REPOSITORY / "terraform" / "README.md",
    )
    if "decisions" not in page.parts
]
NEEDS_PERSON = (REPOSITORY / "docs" / "runbooks" / "RolloutNeedsPerson.md").read_text()
KIND = re.compile(r"[a-z]+\.[a-z_]+")
LATER = NOW + 30 * MINUTE


def kinds() -> set[str]:
    """Every text in the code that names a kind of announcement."""
    code = [path for room in ("shared", "functions") for path in (REPOSITORY / room).rglob("*.py")]
    nodes = (node for path in code for node in ast.walk(ast.parse(path.read_text())))
    return {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value)
    }


def edited() -> Record:
    record, _ = in_phase(Phase.PROGRESSING)
    by_hand = (TrafficTarget(revision=record.stable, percent=60), TrafficTarget(revision="web-00002-bbb", percent=40))
    return take(record, TrafficEdited(service="web", at=LATER, traffic=by_hand), LATER).record


def held(cause: HoldCause, phase: Phase = Phase.PROGRESSING, tag: str = "") -> Record:
    from shared.rollout.change import hold

    return hold(in_phase(phase, tag=tag)[0], cause, LATER, "a reason.")


def rolled_back() -> Record:
    record, now = in_phase(Phase.PROGRESSING)
    return take(record, judged(record, now + MINUTE, Health.UNHEALTHY), now + MINUTE).record


def failed() -> Record:
    record, now = in_phase(Phase.PREPARING)
    return take(record, judged(record, now, canary_state=RevisionState.FAILED), now).record


def refused() -> Record:
    return take(STABLE, replace(request(), gate=Gate(refuses="its files never came.", pages=True)), LATER).record


STATES: dict[str, list[Record]] = {
    "`rollout.rolled_back`": [rolled_back()],
    "`rollout.failed`": [failed()],
    "`rollout.held` or `rollout.still_held`, deadline": [held(HoldCause.DEADLINE)],
    "`rollout.held`, metrics outage or shared outage": [held(HoldCause.METRICS_OUTAGE), held(HoldCause.SHARED_OUTAGE)],
    "`rollout.held`, no target": [replace(held(HoldCause.NO_TARGET), target="")],
    "`rollout.held`, migration": [held(HoldCause.MIGRATION, Phase.BAKING, tag="v7-contract")],
    "`rollback.refused`": [in_phase(Phase.PROMOTED, tag="v7-contract")[0]],
    "`rollback.impossible`": [replace(in_phase(Phase.PROMOTED)[0], target="")],
    "`deploy.refused`": [refused()],
    "`traffic.edited`": [edited()],
    "`record.restored`": [STABLE],
}


def rows() -> dict[str, str]:
    """By announcement, what the runbook says to do."""
    lines = re.findall(r"^\| (`.+?) \| (.+) \|$", NEEDS_PERSON, flags=re.MULTILINE)
    return dict(lines)


def taken(decision: Decision) -> bool:
    return decision.rule not in ("refused", "stale", "duplicate") and decision.write is not None


def verbs(text: str) -> list[Verb]:
    return [Verb(word) for word in re.findall(r"`(\w+)`", text) if word in set(Verb)]


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_every_announcement_a_runbook_names_exists(page: Path) -> None:
    known = kinds()
    families = {kind.partition(".")[0] for kind in known}
    named = [kind for kind in re.findall(rf"`({KIND.pattern})`", page.read_text()) if not kind.endswith(".yaml")]
    assert [kind for kind in named if kind.partition(".")[0] in families and kind not in known] == []


def test_every_announcement_that_pages_about_a_rollout_has_its_row() -> None:
    paging = set()
    for path in (REPOSITORY / "shared" / "rollout").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and "Severity.PAGE" in {ast.unparse(argument) for argument in call.args}:
                texts = (argument.value for argument in call.args if isinstance(argument, ast.Constant))
                paging |= {text for text in texts if isinstance(text, str) and KIND.fullmatch(text)}
    paging |= {"rollout.held", "rollout.rolled_back", "deploy.refused"}  # the severity is a parameter of theirs
    assert paging == {kind for row in rows() for kind in re.findall(r"`(.+?)`", row)}


@pytest.mark.parametrize("announcement", STATES)
def test_every_command_it_advises_is_taken_in_that_state(announcement: str) -> None:
    advised = rows()[announcement]
    for state in STATES[announcement]:
        for verb in verbs(advised):
            decision = take(state, command(verb, LATER + MINUTE), LATER + MINUTE)
            assert taken(decision), (announcement, verb, decision.reason)


def test_every_row_is_tried() -> None:
    assert list(STATES) == list(rows())


def test_the_drill_ends_with_a_command_that_is_taken() -> None:
    drill = NEEDS_PERSON.partition("## Drill")[2]
    [verb] = re.findall(r"send_command\.py (\w+)", drill)
    assert taken(take(edited(), command(Verb(verb), LATER + MINUTE), LATER + MINUTE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_command_a_page_sends_exists(page: Path) -> None:
    assert set(re.findall(r"send_command\.py ([a-z]\w+)", page.read_text())) <= set(Verb)
