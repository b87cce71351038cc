"""What the record remembers of revisions, and which of them a rollback could go to."""

from dataclasses import replace

import pytest

from shared.rollout.names import Phase
from shared.rollout.record import KnownBad, Record
from tests.rollout.cases import NOW, STABLE, in_phase

BAD = KnownBad(digest="", revision="web-00000-old", at=NOW, reason="It returned 500.")
ON_TRIAL, _ = in_phase(Phase.PROGRESSING)
PROMOTED, _ = in_phase(Phase.PROMOTED)
CONTRACTED, _ = in_phase(Phase.PROMOTED, tag="v2-contract")
FIRST = replace(ON_TRIAL, rollout=ON_TRIAL.rollout and replace(ON_TRIAL.rollout, stable=""), good=())


@pytest.mark.parametrize(
    ("record", "candidates"),
    [
        (STABLE, ("web-00000-old",)),
        (Record(service="web", stable="web-1", good=("web-3", "web-1", "web-2")), ("web-3", "web-2")),
        (ON_TRIAL, ("web-00001-aaa", "web-00000-old")),
        (replace(ON_TRIAL, good=()), ("web-00001-aaa",)),
        (replace(ON_TRIAL, known_bad=(BAD,)), ("web-00001-aaa",)),
        (replace(ON_TRIAL, good=("web-00002-bbb", "web-00000-old")), ("web-00001-aaa", "web-00000-old")),
        (PROMOTED, ("web-00001-aaa", "web-00000-old")),
        (replace(PROMOTED, stable="web-00000-old"), ("web-00001-aaa", "web-00002-bbb")),
        (CONTRACTED, ()),
        (FIRST, ()),
    ],
)
def test_where_a_rollback_could_go(record: Record, candidates: tuple[str, ...]) -> None:
    assert record.return_candidates() == candidates


def test_a_bad_revision_without_a_digest_says_nothing_of_others() -> None:
    record = Record(service="web", known_bad=(BAD, replace(BAD, digest="d", revision="")))
    assert record.is_known_bad("") is None
    assert record.is_known_bad("d") == replace(BAD, digest="d", revision="")
    assert record.is_known_bad("", "web-00000-old") == BAD
    assert record.is_known_bad("other", "other") is None


def test_a_rollout_without_a_revision_retires_none() -> None:
    assert Record(service="web").retire("") == Record(service="web")
    assert Record(service="web").retire("web-1").retired == ("web-1",)
