"""The split: absolute, summing to 100, and honest about what a person did."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rollout.names import Phase
from shared.rollout.record import Record
from shared.rollout.service import TrafficTarget
from shared.rollout.traffic import CANARY_TAG, PREVIOUS_TAG, STABLE_TAG, drifted, in_words, percents, split, targets
from tests.rollout.cases import ACTIVE, CANARY, STABLE, STRATEGY, in_phase

PHASES = [*ACTIVE, Phase.PROMOTED]


@given(
    foreign=st.lists(
        st.builds(
            TrafficTarget, revision=st.sampled_from(["web-00000-old", "web-00001-aaa"]), tag=st.sampled_from("xyz")
        ),
        max_size=3,
        unique_by=lambda row: row.tag,
    ),
    phase=st.sampled_from(PHASES),
)
def test_percents_sum_to_100_and_foreign_tags_survive(foreign: list[TrafficTarget], phase: Phase) -> None:
    record, _ = in_phase(phase)
    rows = targets(record, STRATEGY, foreign)
    assert sum(row.percent for row in rows) == 100
    assert set(foreign) <= set(rows)
    assert not drifted(record, STRATEGY, rows)
    assert targets(record, STRATEGY, rows) == rows


@pytest.mark.parametrize(
    ("phase", "tags"),
    [
        (Phase.PREPARING, {STABLE_TAG: "web-00001-aaa", CANARY_TAG: None}),
        (Phase.PROGRESSING, {STABLE_TAG: "web-00001-aaa", CANARY_TAG: "web-00002-bbb"}),
        (Phase.PROMOTED, {STABLE_TAG: "web-00002-bbb", PREVIOUS_TAG: "web-00001-aaa"}),
    ],
)
def test_our_tags_keep_the_canary_and_the_way_back_addressable(phase: Phase, tags: dict[str, str | None]) -> None:
    record, _ = in_phase(phase)
    assert {row.tag: row.revision for row in targets(record, STRATEGY, ()) if row.tag} == tags


def test_a_service_that_never_had_a_revision_stays_on_latest() -> None:
    record = Record(service="web", placeholder=True)
    assert split(record, STRATEGY) == {None: 100}
    assert not drifted(record, STRATEGY, ())
    assert in_words(split(record, STRATEGY)) == "the latest revision 100 %"
    assert targets(record, STRATEGY, ()) == (TrafficTarget(revision=None, percent=100),)


def test_a_percent_moved_by_hand_is_a_drift_and_a_tag_is_not() -> None:
    rows = targets(STABLE, STRATEGY, ())
    assert not drifted(STABLE, STRATEGY, (*rows, TrafficTarget(revision="web-00000-old", tag="demo")))
    assert drifted(STABLE, STRATEGY, (TrafficTarget(revision="web-00000-old", percent=100),))
    assert drifted(STABLE, STRATEGY, ())


def test_two_rows_of_one_revision_count_together() -> None:
    rows = (
        TrafficTarget(revision="web-00001-aaa", percent=60),
        TrafficTarget(revision="web-00001-aaa", percent=40, tag="stable"),
    )
    assert not drifted(STABLE, STRATEGY, rows)


def test_a_rollout_of_a_version_that_kept_no_steps_has_the_shares_of_the_strategy() -> None:
    record, _ = in_phase(Phase.PROGRESSING, step=1)
    assert record.rollout
    record = replace(record, rollout=replace(record.rollout, steps=()))
    rows = targets(record, STRATEGY, ())
    assert percents(rows) == {"web-00001-aaa": 50, "web-00002-bbb": 50}
    assert not drifted(record, STRATEGY, rows)


def test_rule_12_foreign_tags_survive_every_change() -> None:
    record, _ = in_phase(Phase.PROGRESSING)
    current = (TrafficTarget(revision="web-00000-old", tag="demo"), TrafficTarget(revision=CANARY, tag="canary"))
    rows = targets(record, STRATEGY, current)
    assert TrafficTarget(revision="web-00000-old", tag="demo") in rows
    assert sum(row.percent for row in rows) == 100
    assert [row for row in rows if row.tag == "canary"] == [TrafficTarget(revision=CANARY, tag="canary")]


@pytest.mark.parametrize("phase", [Phase.BAKING, Phase.PROMOTED])
def test_rule_14_the_revision_that_lost_its_traffic_is_kept_while_sockets_are_open_on_it(phase: Phase) -> None:
    """A socket lasts up to an hour on the revision it was opened on; a tag keeps that one from being retired."""
    record, _ = in_phase(phase)
    rows = targets(record, STRATEGY, ())
    assert {row.revision: row.percent for row in rows if row.percent} == {CANARY: 100}
    assert "web-00001-aaa" in {row.revision for row in rows if row.tag}


@pytest.mark.parametrize("phase", PHASES)
def test_rule_15_what_is_written_serves_without_us(phase: Phase) -> None:
    """Percents by name that sum to 100: users stay where they are when we are removed in the middle."""
    record, _ = in_phase(phase)
    serving = [row for row in targets(record, STRATEGY, (TrafficTarget(revision=None, percent=100),)) if row.percent]
    assert sum(row.percent for row in serving) == 100
    assert all(row.revision for row in serving)
