"""The verdicts that health_verify publishes, for its answer says little of what they are made of."""

from datetime import UTC, datetime

from scripts.local_cloud.topology import Topology, subscription_path
from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.events import verdict
from shared.events.message import Message
from shared.events.topics import VERDICTS
from shared.rollout.observations import Judged

_SUBSCRIPTION = "benchmark-verdicts"
_MESSAGES_MAX = 100
_WAITS_MAX = 10


class ToldVerdicts:
    """A subscription of its own, from now on."""

    def __init__(self, topology: Topology) -> None:
        self._subscriber = topology.subscriber
        self._path = subscription_path(_SUBSCRIPTION)
        topology.keep(_SUBSCRIPTION, VERDICTS)

    def newest(self) -> Judged:
        """Waits for one where none is there, as often as Pub/Sub gives up waiting. Raises TimeoutError in the end."""
        for _ in range(_WAITS_MAX):
            pulled = self._subscriber.pull(subscription=self._path, max_messages=_MESSAGES_MAX).received_messages
            if pulled:
                break
        else:
            raise TimeoutError(f"no verdict in {_WAITS_MAX} waits")
        self._subscriber.acknowledge(subscription=self._path, ack_ids=[row.ack_id for row in pulled])
        data = pulled[-1].message.data
        return verdict.parse(Message(id="", topic=VERDICTS, published_at=datetime.now(UTC), data=data))


def whole(judged: Judged) -> bool:
    """Probed, compared by the metrics of both revisions, and found good: health_verify has nothing more to do."""
    found = judged.verdict
    return (
        [probe.outcome for probe in judged.probes] == [ProbeOutcome.PASSED]
        and found is not None
        and found.health is Health.HEALTHY
        and min(found.canary_requests, found.baseline_requests) > 0
    )
