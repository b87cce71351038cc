"""Names follow from facts, so that whoever comes twice finds what is there."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backup.names import (
    INSTANCE_LENGTH_MAX,
    ExportName,
    drill_instance,
    drill_started_at,
    is_drill_of,
    moment,
    night_of,
)

NIGHT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_instances = st.from_regex(r"[a-z][a-z0-9-]{0,90}[a-z0-9]", fullmatch=True)
_moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0)
)


def test_an_export_is_named_by_instance_database_and_night() -> None:
    name = ExportName(instance="chat", database="app", night=NIGHT)
    assert name.key == "exports/chat/app/20261123T020000Z.sql.gz"


@given(instance=_instances, database=st.from_regex(r"[A-Za-z0-9_-]{1,63}", fullmatch=True), night=_moments)
def test_a_name_is_read_as_it_was_written(instance: str, database: str, night: datetime) -> None:
    for attempt in (1, 2):
        name = ExportName(instance=instance, database=database, night=night, attempt=attempt)
        assert ExportName.parse(name.key) == name == ExportName.of_counts(name.counts)
        assert ExportName.parse(name.counts) is None
        assert ExportName.of_counts(name.key) is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "exports/chat/app/x.sql.gz",
        "exports/chat/app/20261123T020000Z.sql",
        "exports/chat/app/20261399T020000Z.sql.gz",
        "exports/chat/app/20261123T020000Z-1.sql.gz",
        "counts/chat/app/20261123T020000Z.sql.gz",
    ],
)
def test_other_objects_are_no_exports(key: str) -> None:
    assert ExportName.parse(key) is None
    assert ExportName.of_counts(key) is None


def test_a_second_attempt_has_names_of_its_own_that_sort_behind_the_first() -> None:
    first = ExportName(instance="chat", database="app", night=NIGHT)
    second = ExportName(instance="chat", database="app", night=NIGHT, attempt=2)
    assert second.key == "exports/chat/app/20261123T020000Z-2.sql.gz"
    assert second.counts == "counts/chat/app/20261123T020000Z-2.csv"
    assert first.mark < second.mark < ExportName(instance="chat", database="app", night=NIGHT + DAY).mark


@pytest.mark.parametrize(
    ("name", "label", "its"),
    [
        ("drill-chat-eu-20261123020000", "chat-eu", True),
        ("drill-chat-eu-20261123020000", "chat", False),
        ("drill-chat-20261123020000", "chat-eu", False),
        ("drill-chat--1-20261123020000", "chat--1", True),
        ("chat", "chat", False),
    ],
)
def test_an_instance_is_of_the_drill_it_was_made_for(name: str, label: str, its: bool) -> None:
    assert is_drill_of(name, label) is its


@given(at=_moments, late=st.integers(0, 86_399))
def test_every_delivery_of_one_period_names_the_same_night(at: datetime, late: int) -> None:
    night = night_of(at, DAY)
    assert night <= at < night + DAY
    assert night_of(night + timedelta(seconds=late), DAY) == night


def test_the_night_does_not_depend_on_the_zone_the_time_is_written_in() -> None:
    nairobi = timezone(timedelta(hours=3))
    assert night_of(NIGHT.astimezone(nairobi), DAY) == night_of(NIGHT, DAY) == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_period_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        night_of(NIGHT, timedelta())


@given(instance=_instances, at=_moments)
def test_a_drill_instance_tells_when_its_drill_began_and_fits(instance: str, at: datetime) -> None:
    name = drill_instance(instance, at)
    assert drill_started_at(name) == at
    assert len(name) <= INSTANCE_LENGTH_MAX


@pytest.mark.parametrize("name", ["chat", "drill-chat", "drill-chat-20261399020000", "my-drill-chat-20261123020000"])
def test_other_instances_are_no_drills(name: str) -> None:
    assert drill_started_at(name) is None


def test_what_is_no_moment_is_named() -> None:
    with pytest.raises(ValueError, match=r"'20261123' is no moment like 20260302T010000Z"):
        moment("20261123")
