"""What the judge says without comparing: nobody can see, nobody gets through, or nothing works at all."""

import pytest

from shared.analysis.evidence import Sample
from shared.analysis.verdict import Health, Verdict
from tests.analysis.asking import look
from tests.analysis.worlds import FAILED, MINUTE, NOW, history, steady
from tests.analysis.worlds import PASSED as PROBE


def test_a_canary_whose_own_sample_alone_is_missing_is_a_metrics_outage() -> None:
    gone = history(stable=steady(20, minutes=70), canary=steady(5, minutes=3, until=NOW - 7 * MINUTE))
    assert "no sample of it since" in look(gone, probes=(PROBE,)).reason
    never = history(stable=steady(20, minutes=70))
    assert look(never, probes=(PROBE,)).health is Health.ERROR
    assert look(never, share=100, probes=(PROBE,)).health is Health.ERROR


def test_old_samples_of_both_are_a_metrics_outage() -> None:
    verdict = look(history(stable=steady(20, minutes=70, until=NOW - 8 * MINUTE)), probes=(FAILED,))
    assert verdict.health is Health.ERROR
    assert "no revision has a sample since" in verdict.reason


def test_nobody_there_is_not_unroutable_and_waits() -> None:
    verdict = look(history(stable=steady(1, minutes=70)))
    assert verdict.health is Health.INCONCLUSIVE
    assert "0 users' requests on the canary, 10 on stable" in verdict.reason


def test_a_canary_that_just_got_its_share_is_not_unroutable() -> None:
    assert look(history(stable=steady(200, minutes=70)), minutes=2).health is Health.INCONCLUSIVE


def test_a_failing_probe_stops_the_climb_and_blames_nobody() -> None:
    both = history(stable=steady(300, minutes=70), canary=steady(101, minutes=9))
    assert look(both).health is Health.HEALTHY
    verdict = look(both, probes=(FAILED,))
    assert verdict.health is Health.INCONCLUSIVE
    assert "our probe of / failed: status 503" in verdict.reason


@pytest.mark.parametrize("share", [25, 100])
def test_a_canary_that_answers_nobody_is_unhealthy_on_the_quietest_service(share: int) -> None:
    quiet = history(stable=steady(1, minutes=70), canary=steady(1, 1, minutes=9))
    verdict = look(quiet, share=share, probes=(FAILED,))
    assert verdict.health is Health.UNHEALTHY
    assert verdict.canary_errors == 9


@pytest.mark.parametrize("share", [25, 100])
def test_a_canary_that_just_died_is_told_by_one_minute_and_our_probes(share: int) -> None:
    rows = [*steady(20, minutes=30, until=NOW - MINUTE), *steady(20, 20, minutes=1)]
    found = history(stable=steady(60, minutes=90, until=NOW - (30 if share == 100 else 0) * MINUTE), canary=rows)
    for probes in ((), (PROBE,), (FAILED, PROBE)):
        assert look(found, minutes=30, share=share, probes=probes).health is not Health.UNHEALTHY
    verdict = look(found, minutes=30, share=share, probes=(FAILED,))
    assert verdict.reason == "It answers nobody, our own probes neither: status 503."


@pytest.mark.parametrize("share", [25, 90, 100])
@pytest.mark.parametrize("age", [20, 600])
def test_total_failure_needs_three_minutes_and_neither_stable_nor_odds(share: int, age: int) -> None:
    """Its health page works and stable has nobody beside it: what all users see is enough, however old the rollout."""
    until = NOW - 3 * MINUTE

    def verdict(failing: int) -> Verdict:
        rows = [
            *steady(200, minutes=age - 3, until=until),
            *steady(200, 200, minutes=failing, until=until + failing * MINUTE),
        ]
        found = history(stable=steady(200, minutes=120, until=NOW - age * MINUTE), canary=rows)
        return look(found, minutes=age, share=share, probes=(PROBE,))

    assert verdict(2).health is not Health.UNHEALTHY
    assert verdict(3).health is Health.UNHEALTHY
    assert "nearly every request failed in each of its last 3 minutes" in verdict(3).reason


@pytest.mark.parametrize("share", [25, 100])
def test_a_canary_that_refuses_everybody_is_unhealthy(share: int) -> None:
    def rows(count: int, refused: int, minutes: int, code: str = "4xx") -> list[Sample]:
        ends = [NOW - back * MINUTE for back in range(minutes)]
        return [Sample(end=end, requests_by_class={"2xx": count - refused, code: refused}) for end in ends]

    stable = rows(60, 2, 90) if share < 100 else [row._replace(end=row.end - 20 * MINUTE) for row in rows(60, 2, 70)]
    verdict = look(history(stable=stable, canary=rows(20, 20, 8)), minutes=9, share=share)
    assert verdict.health is Health.UNHEALTHY
    assert "160 of the latest 160 canary requests were refused (4xx)" in verdict.reason
    for harmless in (rows(20, 20, 4), rows(20, 9, 8), rows(20, 20, 8, "499"), rows(20, 20, 8, "429")):
        assert look(history(stable=stable, canary=harmless), minutes=9, share=share).health is not Health.UNHEALTHY
    both = history(stable=rows(60, 50, 90), canary=rows(20, 20, 8))
    assert look(both, minutes=9, share=share).health is not Health.UNHEALTHY
    alone = look(history(canary=rows(20, 20, 8)), minutes=9, share=share)
    assert "0 of 0 on stable" in alone.reason


def sample_of_stable() -> Sample:
    return steady(60, minutes=1)[0]._replace(failed_starts=1)


def test_instances_that_do_not_start_are_a_crash_loop_unless_stables_do_not_either() -> None:
    good = steady(30, minutes=9)
    looping = [row._replace(failed_starts=2) for row in good[:2]]
    found = history(stable=steady(60, minutes=70), canary=[*looping, *good[2:]])
    assert "4 start-up probes gave up of late, none on stable" in look(found).reason
    assert look(found).health is Health.UNHEALTHY
    assert look(found, share=100).health is Health.UNHEALTHY
    once = history(stable=steady(60, minutes=70), canary=[looping[0], *good[1:]])
    assert look(once).health is not Health.UNHEALTHY
    both = history(stable=[*steady(60, minutes=70)[:-1], sample_of_stable()], canary=[*looping, *good[2:]])
    assert look(both).health is not Health.UNHEALTHY


def test_at_100_percent_our_failing_probes_of_stable_tell_a_shared_outage() -> None:
    """And leave no evidence behind for when it is over."""
    before = steady(100, minutes=120, until=NOW - 30 * MINUTE)
    quiet, failing = (steady(5, bad, minutes=10, until=NOW - 10 * MINUTE) for bad in (0, 2))
    good = steady(100, minutes=10, until=NOW - 20 * MINUTE)
    bad = steady(100, 30, minutes=10, until=NOW - 10 * MINUTE)

    def verdict(control: list[Sample], canary: list[Sample]) -> Verdict:
        found = history(stable=[*before, *control], canary=[*good, *canary], settled_until=canary[-1].end)
        return look(found, minutes=30, share=100)

    shared = verdict(failing, bad)
    assert (shared.health, shared.shared_outage) == (Health.INCONCLUSIVE, True)
    assert "our probes of stable fail at the same time" in shared.reason
    assert verdict(quiet, bad).health is Health.UNHEALTHY
    over = [*bad, *steady(100, minutes=10)]
    assert verdict([*failing, *steady(5, minutes=10)], over).health is Health.HEALTHY


@pytest.mark.parametrize("bad", [3, 12])
def test_a_failed_probe_never_speaks_for_the_canary(bad: int) -> None:
    found = history(stable=steady(50, minutes=70), canary=steady(15, bad, minutes=9)[:6])
    evidence = [look(found, probes=probes).evidence_of_harm for probes in ((), (PROBE,), (FAILED,), (FAILED, FAILED))]
    assert evidence == sorted(evidence)
    assert look(found, probes=(PROBE, FAILED)).canary_errors == 6 * bad


def test_a_minute_that_shows_only_its_failures_yet_does_not_roll_back() -> None:
    """Each response class is a series of its own, and the good ones of the newest minute are late."""
    stable = steady(600, minutes=90)
    newest = Sample(end=NOW, requests_by_class={"5xx": 3})
    late = history(stable=stable, canary=[*steady(300, minutes=8, until=NOW - MINUTE), newest])
    assert look(late).health is not Health.UNHEALTHY
    first = history(stable=stable, canary=[newest])
    assert look(first, minutes=2).health is not Health.UNHEALTHY
