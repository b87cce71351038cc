"""A canary whose pages cost people on slow lines too much meets none of them; what pages cost is told."""

from shared.rollout.names import Phase
from tests.rollout.cases import MINUTE, STRATEGY, in_phase, judged, take

TOO_MUCH = "/ sends 312,000 bytes, 200,000 are allowed"


def test_too_heavy_a_page_is_looked_at_again_and_then_taken_back_with_the_limit_it_broke() -> None:
    record, now = in_phase(Phase.VERIFYING)
    soon = now + MINUTE
    waits = take(record, judged(record, soon, heavy=(TOO_MUCH,)), soon)
    assert waits.record.rollout
    assert waits.record.rollout.phase is Phase.VERIFYING
    late = now + STRATEGY.verify_deadline
    ended = take(record, judged(record, late, heavy=(TOO_MUCH, "/ makes 40 requests, 10 are allowed")), late)
    assert ended.record.rollout
    assert ended.record.rollout.phase is Phase.ROLLED_BACK
    assert ended.record.known_bad[-1].reason.endswith(f"costs people on slow lines too much. {TOO_MUCH}. And 1 more.")
    assert ended.record.rollout.first_traffic_at is None


def test_one_broken_limit_has_no_more() -> None:
    record, now = in_phase(Phase.VERIFYING)
    late = now + STRATEGY.verify_deadline
    ended = take(record, judged(record, late, heavy=(TOO_MUCH,)), late)
    assert ended.record.known_bad[-1].reason.endswith(f"{TOO_MUCH}.")


def test_a_failed_probe_is_said_before_a_heavy_page() -> None:
    record, now = in_phase(Phase.VERIFYING)
    late = now + STRATEGY.verify_deadline
    ended = take(record, judged(record, late, probes=(), heavy=(TOO_MUCH,)), late)
    assert "did not pass its probes" in ended.record.known_bad[-1].reason


def test_what_its_pages_cost_is_told_with_its_first_traffic() -> None:
    record, now = in_phase(Phase.VERIFYING)
    said = "/ is 139,802 bytes in 7 requests, 9.1 s on 2G"
    goes = take(record, judged(record, now + MINUTE, pages=said), now + MINUTE)
    assert goes.record.outbox[-1].text.endswith(f"gets 5 %. {said}.")
