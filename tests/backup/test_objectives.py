"""What would be lost, how long a restore takes, and what was promised."""

from datetime import UTC, datetime, timedelta

from shared.backup.objectives import Measured, Objectives, shortfalls, worst_loss

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
PROMISED = Objectives(recovery_point=26 * HOUR, recovery_time=2 * HOUR)


def measured(age: timedelta, *steps: timedelta) -> Measured:
    named = {f"step {number}": took for number, took in enumerate(steps)}
    return Measured(data_of=NOW - age, drilled_at=NOW, steps=named)


def test_the_worst_loss_is_a_period_and_what_export_and_verification_take() -> None:
    assert worst_loss(24 * HOUR, HOUR, HOUR / 2) == 25.5 * HOUR


def test_a_drill_within_its_promises_has_no_shortfall() -> None:
    drill = measured(26 * HOUR, HOUR, HOUR)
    assert (drill.loss, drill.recovery) == (26 * HOUR, 2 * HOUR)
    assert shortfalls(drill, PROMISED) == ()


def test_each_broken_promise_is_named() -> None:
    found = shortfalls(measured(27 * HOUR, 3 * HOUR), PROMISED)
    assert found == (
        "1 d 3 h of data would be lost; at most 1 d 2 h may be.",
        "The restore took 3 h; at most 2 h is promised.",
    )


def test_data_of_the_future_is_a_wrong_clock() -> None:
    assert shortfalls(measured(-HOUR, HOUR), PROMISED) == (
        "The export is 1 h younger than the drill: a clock is wrong.",
    )


def test_data_of_the_very_moment_of_the_drill_is_no_wrong_clock() -> None:
    assert shortfalls(measured(0 * HOUR, HOUR), PROMISED) == ()
