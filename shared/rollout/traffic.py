"""The split a record stands for, as absolute targets, with everybody else's tags kept."""

from collections.abc import Iterable, Mapping

from shared.rollout.names import Phase
from shared.rollout.record import Record, Rollout
from shared.rollout.service import TrafficTarget
from shared.rollout.strategy import Strategy

STABLE_TAG = "stable"
CANARY_TAG = "canary"
PREVIOUS_TAG = "previous"
STANDBY_TAG = "standby"
OUR_TAGS = frozenset({STABLE_TAG, CANARY_TAG, PREVIOUS_TAG, STANDBY_TAG})

LATEST = None  # the traffic target that follows the newest ready revision


def steps_of(rollout: Rollout, strategy: Strategy) -> tuple[int, ...]:
    """The shares of this rollout: its own from its first traffic on, so that a changed strategy moves no user."""
    return rollout.steps or strategy.steps


def split(record: Record, strategy: Strategy) -> dict[str | None, int]:
    """Percent by revision; always sums to 100. Never LATEST, except before the service ever had a revision."""
    stable = record.stable or LATEST
    rollout = record.active
    if rollout is None:
        return {stable: 100}
    phase = rollout.effective_phase
    if phase is Phase.BAKING:
        return {rollout.canary: 100}
    if phase is Phase.PROGRESSING:
        assert rollout.step is not None
        share = steps_of(rollout, strategy)[rollout.step]
        return {stable: 100 - share, rollout.canary: share}
    return {stable: 100}


def tags(record: Record) -> dict[str, str | None]:
    """Our tags: the canary's probe address, and the revisions kept addressable to return to, which are asked there.

    Only what was seen ready gets one: Cloud Run refuses the whole write for a tag on a revision that is gone.
    """
    ours: dict[str, str | None] = {}
    if record.stable:
        ours[STABLE_TAG] = record.stable
    rollout = record.active
    if rollout is not None:
        ours[CANARY_TAG] = rollout.canary or LATEST
    for tag, revision in ((PREVIOUS_TAG, record.target), (STANDBY_TAG, record.standby)):
        if revision and revision not in ours.values():
            ours[tag] = revision
    return ours


def targets(record: Record, strategy: Strategy, current: Iterable[TrafficTarget]) -> tuple[TrafficTarget, ...]:
    """The whole traffic block to write. A split made by hand is left exactly as it is."""
    current = tuple(current)
    if record.edited:
        return current
    rows = [TrafficTarget(revision=revision, percent=percent) for revision, percent in split(record, strategy).items()]
    rows += [TrafficTarget(revision=revision, tag=tag) for tag, revision in sorted(tags(record).items())]
    rows += [
        TrafficTarget(revision=row.revision, tag=row.tag) for row in current if row.tag and row.tag not in OUR_TAGS
    ]
    return tuple(rows)


def percents(rows: Iterable[TrafficTarget]) -> dict[str | None, int]:
    """Percent by revision of a traffic block, rows without traffic left out."""
    total: dict[str | None, int] = {}
    for row in rows:
        if row.percent:
            total[row.revision] = total.get(row.revision, 0) + row.percent
    return total


def in_words(shares: Mapping[str | None, int]) -> str:
    """Such as "web-00002-abc 5 %, web-00001-xyz 95 %"."""
    return ", ".join(f"{revision or 'the latest revision'} {percent} %" for revision, percent in shares.items())


def drifted(record: Record, strategy: Strategy, current: Iterable[TrafficTarget]) -> bool:
    """Whether the percents on the service are not the record's: somebody moved traffic by hand.

    An empty traffic block is Cloud Run's way to say 100 % on LATEST.
    """
    return (percents(current) or {LATEST: 100}) != split(record, strategy)
