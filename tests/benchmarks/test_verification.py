"""Half a million rows are read through the storage adapter within the memory a function has to spare."""

from pathlib import Path

from benchmarks.verification import BUCKET, MEMORY_MAX, measure
from scripts.local_cloud.storage import FakeGcs


def test_memory_stays_within_its_bound_for_half_a_million_rows(tmp_path: Path) -> None:
    storage = FakeGcs(BUCKET)
    storage.start()
    try:
        told, _ = measure(500_000, storage, tmp_path)
    finally:
        storage.stop()
    assert 0 <= told["peak"] - told["idle"] < MEMORY_MAX
