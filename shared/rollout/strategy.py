"""How far, how long and how sure: the knobs of one service's rollout."""

from datetime import timedelta
from enum import StrEnum
from math import ceil

from shared.values import value

_FIRST_REQUESTS, _FIRST_MINUTES = 10, 3
_FIRST_SHARE_MIN, _FIRST_SHARE_MAX = 1, 50  # percent
_STRIDE_MIN = 2.5  # from the first share to the next step; a smaller one costs a proof and shows little


class OnNewer(StrEnum):
    """What a push does to a canary that is still on trial."""

    SUPERSEDE = "supersede"
    QUEUE = "queue"


@value
class Strategy:
    """The steps a canary climbs and the limits of every wait.

    steps: ascending canary shares in percent, each judged against stable, the last below 100 so that
    a control remains. After the last step the canary gets 100 % and bakes with stable kept warm.
    first_share_by_traffic: a busy service starts lower than the first step, a quiet one higher (`steps_for`).
    """

    steps: tuple[int, ...] = (5, 25, 50, 90)
    first_share_by_traffic: bool = True
    step_bake_time: timedelta = timedelta(minutes=5)  # the least time on one step
    final_bake_time: timedelta = timedelta(hours=1)  # at 100 %, before promotion
    gate_deadline: timedelta = timedelta(hours=1)  # for its files, origin and scan to be there; then it is refused
    prepare_deadline: timedelta = timedelta(minutes=10)  # from start to a ready revision
    verify_deadline: timedelta = timedelta(minutes=10)  # from ready to passed probes
    step_deadline: timedelta = timedelta(hours=6)  # then a person is asked
    action_window: timedelta = timedelta(hours=24)  # how long after promotion an alert still rolls back
    alert_age_max: timedelta = timedelta(minutes=30)  # an older incident acts no more
    verdict_age_max: timedelta = timedelta(minutes=5)  # an older verdict moves nothing
    announce_grace: timedelta = timedelta(minutes=2)  # then an unrecorded announcement is published again
    on_newer: OnNewer = OnNewer.SUPERSEDE
    false_rollback_risk: float = 0.01  # chance, over a whole rollout, to blame a good canary
    missed_harm_risk: float = 0.05  # chance to advance a canary worse than the harm below
    harm_points_max: float = 3.0  # largest acceptable extra failures, percentage points of the service's requests
    latency_points_max: float = 25.0  # largest acceptable extra share of slow requests, percentage points
    latency_ms_min: float = 20.0  # a faster request is never slow, whatever stable's are
    proof_time: timedelta = timedelta(minutes=14)  # a step rules out as little harm as this much traffic can

    def steps_for(self, requests_per_minute: float) -> tuple[int, ...]:
        """The steps of a rollout on a service this busy: the first share brings ten requests in three minutes.

        A canary that fails altogether then costs as many users on a quiet service as on a busy one. Steps that the
        first share nearly reaches are left out, but not the last, which leaves stable a share to compare with.
        """
        if not self.first_share_by_traffic or requests_per_minute <= 0:
            return self.steps
        wanted = 100 * _FIRST_REQUESTS / (_FIRST_MINUTES * requests_per_minute)
        first = min(max(ceil(wanted), _FIRST_SHARE_MIN), _FIRST_SHARE_MAX, self.steps[-1])
        *steps, last = self.steps
        return (first, *(step for step in steps if step > _STRIDE_MIN * first), *([last] if last > first else []))
