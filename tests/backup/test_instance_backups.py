"""An instance that keeps no backups of its own, or too short a log, is told apart from one that made none tonight."""

import pytest

from shared.backup.instance_backups import InstanceBackups


@pytest.mark.parametrize(
    ("enabled", "point_in_time", "log_days", "told"),
    [
        (True, True, 7, ""),
        (False, True, 7, "switched off"),
        (True, False, 7, "to a point in time"),
        (True, True, 3, "reaches 3 days back, and 7 were configured"),
    ],
)
def test_what_a_restore_to_a_point_in_time_lacks_is_told(
    enabled: bool, point_in_time: bool, log_days: int, told: str
) -> None:
    found = InstanceBackups(enabled=enabled, point_in_time=point_in_time, log_days=log_days).shortcomings(7)
    assert len(found) == bool(told)
    assert told in "".join(found)
