"""RPO and RTO as arithmetic: how much would be lost, how long a restore takes, and whether that is what was promised.

The loss is counted from the moment the data is of, never from when a file was finished, and never from the newest row:
a database in which nothing happened has lost nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.backup.spans import in_words
from shared.values import value


@value
class Objectives:
    """recovery_point: the most that may be lost (RPO); recovery_time: the longest a restore may take (RTO)."""

    recovery_point: timedelta
    recovery_time: timedelta


@value
class Measured:
    """What one drill showed. steps: how long each took, in order; the deletion is no part of a recovery."""

    data_of: datetime
    drilled_at: datetime
    steps: Mapping[str, timedelta]

    @property
    def loss(self) -> timedelta:
        """What would have been lost had the source been gone when the drill began. Below zero is a fault."""
        return self.drilled_at - self.data_of

    @property
    def recovery(self) -> timedelta:
        return sum(self.steps.values(), timedelta())


def worst_loss(period: timedelta, export_time: timedelta, verify_time: timedelta) -> timedelta:
    """Just before the next export is verified: a whole period, and what exporting and verifying take on top."""
    return period + export_time + verify_time


def shortfalls(measured: Measured, objectives: Objectives) -> tuple[str, ...]:
    """Every promise the drill did not keep, one sentence each."""
    found = []
    if measured.loss < timedelta():
        found.append(f"The export is {in_words(-measured.loss)} younger than the drill: a clock is wrong.")
    elif measured.loss > objectives.recovery_point:
        found.append(
            f"{in_words(measured.loss)} of data would be lost; at most {in_words(objectives.recovery_point)} may be."
        )
    if measured.recovery > objectives.recovery_time:
        found.append(
            f"The restore took {in_words(measured.recovery)}; at most {in_words(objectives.recovery_time)} is promised."
        )
    return tuple(found)
