"""More users, and on what ground: promises (a) and (g), checked after every write."""

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.adoption import serving_revision
from shared.rollout.names import Phase
from shared.rollout.observations import Judged
from shared.rollout.service import RevisionState
from tests.simulation.changes import Change, Past
from tests.simulation.deployment import CloudRun
from tests.simulation.promised import Broken
from tests.simulation.releases import Kind

HUMAN = frozenset({"rollout_command"})


def more_traffic_has_a_reason(change: Change, past: Past, run: CloudRun) -> None:
    """(a) No more traffic to a revision without recorded evidence or a named human."""
    if change.after.edited:
        return
    if change.before is None and not change.restored and change.shares != {serving_revision(change.found): 100}:
        found = f"{dict(change.found.serving)} became {change.shares}"
        raise Broken("a", "Taking a service into care leaves users where most of them are.", found)
    for revision, share in change.shares.items():
        if share <= change.shares_before.get(revision, 0) or revision in past.proven:
            continue
        rollout = change.after.rollout
        if rollout and revision == rollout.canary and _reason_for(change, past, rollout.id, share):
            continue
        raise Broken(
            "a",
            "No more traffic to a revision without recorded evidence or a named human.",
            f"{change.turn.function} gave {revision} {share} % instead of {change.shares_before.get(revision, 0)} %",
        )


def _reason_for(change: Change, past: Past, rollout_id: str, share: int) -> bool:
    if change.turn.function in HUMAN:
        return True
    if share <= past.allowed.get(rollout_id, 0):
        return True  # the share it had: the hand-made split, or the older record, is undone
    judged = change.judged
    if judged is None or judged.rollout_id != rollout_id or change.before is None or change.before.rollout is None:
        return False
    if change.before.rollout.first_traffic_at is None:
        return (
            _answers(judged)
            and change.after.rollout is not None
            and change.after.rollout.canary in change.turn.answered()
        )
    healthy = judged.verdict is not None and judged.verdict.health is Health.HEALTHY
    return healthy and judged.step == change.before.rollout.step


def _answers(judged: Judged) -> bool:
    """Whether every probe of this reading passed."""
    return bool(judged.probes) and all(probe.outcome is ProbeOutcome.PASSED for probe in judged.probes)


def time_alone_promotes_nothing(change: Change, past: Past, run: CloudRun) -> None:
    """(a) What is promoted was found healthy in that very reading, or a person said so.

    A first deployment that no user met has its probes.
    """
    before, rollout = change.before, change.after.rollout
    if change.restored or change.turn.function in HUMAN or rollout is None or rollout.phase is not Phase.PROMOTED:
        return
    if before is None or before.rollout is None or before.rollout.id != rollout.id or not before.rollout.active:
        return
    judged, verdict = change.judged, change.judged.verdict if change.judged else None
    unvisited = verdict is not None and verdict.canary_requests == 0 and not rollout.stable
    if judged and unvisited and _answers(judged):
        return
    if verdict is None or verdict.health is not Health.HEALTHY:
        raise Broken("a", "No promotion without recorded evidence.", f"{rollout.id} was promoted on {verdict}")


def files_come_first(change: Change, past: Past, run: CloudRun) -> None:
    """(a) A release starts only when every file its pages ask for is in the bucket."""
    before, rollout = change.before, change.after.active
    started = rollout and not (before and before.rollout and before.rollout.id == rollout.id)
    if not started or rollout is None or change.restored or change.turn.function != "canary_deploy":
        return
    if change.turn.environment.services[change.service.name].assets_bucket and not change.turn.complete(rollout):
        raise Broken("a", "No release starts before its files are there.", rollout.id)


def heavy_pages_meet_nobody(change: Change, past: Past, run: CloudRun) -> None:
    """(a) Pages that people on slow lines cannot bear are let through by nobody but a person's own hand."""
    budgets = change.turn.environment.services[change.service.name].connectivity
    for revision, share in change.shares.items():
        heavy = budgets is not None and revision in run.revisions and run.kind(revision) is Kind.HEAVY
        if heavy and share > change.shares_before.get(revision, 0) and not change.after.edited:
            raise Broken("a", "A page too heavy for slow lines meets nobody.", f"{revision} got {share} %")


def a_freeze_holds(change: Change, past: Past, run: CloudRun) -> None:
    """(a) Under a freeze no canary gets more traffic."""
    before, rollout = change.before, change.after.active
    if before is None or rollout is None or not before.frozen or change.restored or change.after.edited:
        return
    if before.active is None or before.active.id != rollout.id or before.edited:
        return
    if change.shares.get(rollout.canary, 0) > change.shares_before.get(rollout.canary, 0):
        raise Broken("a", "A freeze holds what is on trial.", f"{rollout.id} got {change.shares[rollout.canary]} %")


def the_blind_do_not_act(change: Change, past: Past, run: CloudRun) -> None:
    """(g) Loss of metrics neither promotes nor rolls back."""
    judged = change.judged
    if judged is None or judged.verdict is None or judged.verdict.health is not Health.ERROR:
        return
    if change.restored or judged.canary_state in (RevisionState.FAILED, RevisionState.MISSING):
        return
    before, after = change.before, change.after
    phases = tuple(row.rollout.effective_phase if row and row.rollout else None for row in (before, after))
    if before and before.rollout and after.rollout and before.rollout.id != after.rollout.id:
        return  # a revision that appeared has superseded it
    if change.shares != change.shares_before or phases[0] is not phases[1]:
        raise Broken("g", "Loss of metrics neither promotes nor rolls back.", f"{phases[0]} became {phases[1]}")
