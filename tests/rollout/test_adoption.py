"""Services new to us, and records that went back in time."""

import pytest

from shared.rollout.adoption import adopt, serving_revision
from shared.rollout.record import Record
from shared.rollout.restoration import restore
from shared.rollout.service import Revision, RevisionState, Service, TrafficTarget
from shared.rollout.traffic import split
from tests.rollout.cases import IMAGE, NOW, STABLE, STRATEGY, digest


def service(**changes: object) -> Service:
    row: dict[str, object] = {
        "name": "web",
        "etag": "1",
        "uri": "https://web.example",
        "record": "",
        "image": IMAGE,
        "rollout_id": "",
        "traffic": (TrafficTarget(revision=None, percent=100),),
    }
    return Service(**(row | changes))  # type: ignore[arg-type]


def serving(image: str, state: RevisionState = RevisionState.READY) -> Revision:
    return Revision(name="web-00001-aaa", image=image, state=state)


def test_a_service_on_latest_is_adopted_with_what_serves_now_as_stable() -> None:
    record = adopt(service(), serving(f"{IMAGE}@{digest('a')}"), IMAGE, NOW)
    assert (record.stable, record.target, record.good) == ("web-00001-aaa", "web-00001-aaa", ("web-00001-aaa",))
    assert record.stable_release
    assert record.stable_release.digest == digest("a")
    assert split(record, STRATEGY) == {"web-00001-aaa": 100}


def test_a_stable_deployed_by_tag_is_adopted_without_a_digest() -> None:
    record = adopt(service(), serving(f"{IMAGE}:v1"), IMAGE, NOW)
    assert (record.stable, record.stable_release, record.placeholder) == ("web-00001-aaa", None, False)


@pytest.mark.parametrize("image", ["us-docker.pkg.dev/cloudrun/container/hello", f"{IMAGE}-other@{digest('a')}"])
def test_a_revision_from_another_repository_is_a_placeholder(image: str) -> None:
    record = adopt(service(), serving(image), IMAGE, NOW)
    assert (record.stable, record.placeholder, record.target) == ("web-00001-aaa", True, "")


def test_a_service_without_a_ready_revision_has_nothing_to_compare_with() -> None:
    assert adopt(service(), None, IMAGE, NOW) == Record(service="web", placeholder=True)
    failed = serving(IMAGE, RevisionState.FAILED)
    assert adopt(service(), failed, IMAGE, NOW) == Record(service="web", placeholder=True)


def test_the_serving_revision_is_the_one_most_users_are_on() -> None:
    assert serving_revision(service(serving={"a": 30, "b": 70})) == "b"
    assert serving_revision(service(latest_ready="c")) == "c"


def test_an_older_record_is_replaced_by_the_ledgers_newest_one_and_pages() -> None:
    newest = Record(service="web", sequence=12, stable="web-00002-bbb")
    decision = restore(STABLE, newest, NOW)
    assert decision.record.sequence == 13
    assert decision.record.stable == "web-00002-bbb"
    assert decision.write is not None
    assert "from 12 to 7" in decision.reason


@pytest.mark.parametrize(
    ("percents", "revision"),
    [({"a": 70, "b": 30}, "a"), ({"a": 50, "b": 50}, "b"), ({"b": 50, "a": 50}, "b"), ({"z": 1, "a": 99}, "a")],
)
def test_most_users_decide_and_the_newer_name_between_equals(percents: dict[str, int], revision: str) -> None:
    assert serving_revision(service(serving=percents, latest_ready="c")) == revision
