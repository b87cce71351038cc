"""Promises checked after every write, by letter: each check is a part of one sentence of `PROMISES`."""

from collections.abc import Callable, Mapping

from tests.simulation.advancing import (
    a_freeze_holds,
    files_come_first,
    heavy_pages_meet_nobody,
    more_traffic_has_a_reason,
    the_blind_do_not_act,
    time_alone_promotes_nothing,
)
from tests.simulation.changes import Change, Past
from tests.simulation.deployment import CloudRun
from tests.simulation.splits import hands_win, traffic_is_whole, traffic_moves_once
from tests.simulation.succession import (
    a_pin_waits_for_a_person,
    bad_stays_out,
    hands_are_newer,
    newer_decisions_stand,
    one_after_another,
    one_rollout_at_a_time,
)
from tests.simulation.taking_back import (
    alerts_are_about_this,
    ended_is_ended,
    the_bad_is_taken_back,
    the_target_answered,
)

Check = Callable[[Change, Past, CloudRun], None]
CHECKS: Mapping[str, tuple[Check, ...]] = {
    "a": (
        more_traffic_has_a_reason,
        time_alone_promotes_nothing,
        files_come_first,
        heavy_pages_meet_nobody,
        a_freeze_holds,
    ),
    "b": (one_rollout_at_a_time, one_after_another),
    "d": (newer_decisions_stand, hands_are_newer),
    "e": (alerts_are_about_this, ended_is_ended, the_bad_is_taken_back, the_target_answered),
    "f": (a_pin_waits_for_a_person, bad_stays_out),
    "g": (the_blind_do_not_act,),
    "h": (hands_win, traffic_is_whole),
    "j": (traffic_moves_once,),
}
