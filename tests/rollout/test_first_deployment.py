"""A first deployment has no stable release to be compared with or to return to."""

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import Record
from shared.rollout.traffic import split
from tests.rollout.cases import (
    CANARY,
    MINUTE,
    NOW,
    PLACEHOLDER,
    STRATEGY,
    first_deployment,
    judged,
    phase_of,
    probe,
    request,
    take,
    verdict,
)


def test_rule_10_a_first_deployment_has_no_canary_only_probes() -> None:
    record = take(PLACEHOLDER, request(), NOW).record
    assert "first deployment" in record.outbox[-1].text
    assert split(record, STRATEGY) == {"web-00001-hello": 100}
    record = take(record, judged(record, NOW + MINUTE), NOW + MINUTE).record
    assert split(record, STRATEGY) == {CANARY: 100}
    later = NOW + MINUTE + STRATEGY.final_bake_time
    record = take(record, judged(record, later, Health.HEALTHY), later).record
    assert (phase_of(record), record.stable, record.placeholder) == (Phase.PROMOTED, CANARY, False)


def test_rule_10_a_sick_first_deployment_has_nowhere_to_go_and_pages() -> None:
    record = first_deployment()
    later = NOW + 2 * MINUTE
    record = take(record, judged(record, later, Health.UNHEALTHY), later).record
    assert record.active
    assert record.active.hold
    assert record.active.hold.cause is HoldCause.NO_TARGET


def test_rule_10_a_first_deployment_without_users_is_promoted_on_its_probes() -> None:
    record = first_deployment()
    over = NOW + MINUTE + STRATEGY.final_bake_time
    nobody = verdict(Health.INCONCLUSIVE)._replace(canary_requests=0)
    for probes in ((), (probe(ProbeOutcome.FAILED),)):
        assert take(record, judged(record, over, verdict=nobody, probes=probes), over).effects == ()
    doubted = judged(record, over, Health.INCONCLUSIVE)
    assert take(record, doubted, over).effects == (), "where users came, their requests count"
    done = take(record, judged(record, over, verdict=nobody), over).record
    assert done.rollout
    assert done.rollout.phase is Phase.PROMOTED


def test_rule_13_a_first_deployment_waits_for_the_end_of_a_freeze() -> None:
    record = take(PLACEHOLDER, request(), NOW).record
    held = take(record, judged(record, NOW + MINUTE, frozen="the night"), NOW + MINUTE).record
    assert held.active
    assert held.active.hold
    assert held.active.hold.cause is HoldCause.FREEZE
    assert split(held, STRATEGY) == {"web-00001-hello": 100}
    thawed = take(held, judged(held, NOW + 2 * MINUTE), NOW + 2 * MINUTE).record
    again = take(thawed, judged(thawed, NOW + 3 * MINUTE), NOW + 3 * MINUTE).record
    assert split(again, STRATEGY) == {"web-00002-bbb": 100}


def test_a_first_deployment_that_fails_its_probes_leaves_users_on_what_cloud_run_has() -> None:
    empty = Record(service="web")
    record = take(empty, request(), NOW).record
    late = NOW + STRATEGY.verify_deadline
    record = take(record, judged(record, NOW, probes=()), NOW).record
    told = take(record, judged(record, late, probes=()), late).record.outbox[-1].text
    assert "All traffic is on the latest ready revision;" in told
