"""What the splitter counts and how long it took, period by period."""

import time

import pytest

from scripts.local_cloud.data_plane.measurements import BUCKETS, FINITE_BUCKETS, GROWTH, bucket_of
from scripts.local_cloud.data_plane.sample_app import Behaviour
from tests.local_cloud.splitting import World, in_a_world


@pytest.mark.parametrize(
    ("latency_ms", "bucket"),
    [(0, 0), (0.99, 0), (1.0, 1), (1.5, 2), (GROWTH**10 * 1.01, 11), (10**9, FINITE_BUCKETS + 1)],
)
def test_latencies_fall_in_exponential_buckets(latency_ms: float, bucket: int) -> None:
    assert bucket_of(latency_ms) == bucket
    assert bucket < BUCKETS


def test_each_sampling_period_is_handed_out_once_and_only_after_its_end() -> None:
    async def scenario(world: World) -> None:
        await world.revision("web-1", Behaviour(error_rate=0.5))
        await world.route({"web-1": 100})
        uri = await world.uri()
        started = time.perf_counter()
        for _ in range(4):
            await world.get(uri)
        assert await world.splitter.answer({"ask": "collect"}) == []
        world.now += 1
        (row,) = await world.splitter.answer({"ask": "collect"})
        assert row["end"] == 1_000_001.0
        assert row["requests"] == {200: 2, 500: 2}
        count, total_ms, _, buckets = row["latencies"][500]
        assert count == sum(buckets) == 2
        assert 0 < total_ms < (time.perf_counter() - started) * 1000
        assert await world.splitter.answer({"ask": "collect"}) == []

    in_a_world(scenario)
