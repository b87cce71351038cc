"""Once a week the newest good export is restored for real; each message takes the drill one step on, and none waits.

What a drill set out to do is in the ledger before its instance is; where it stands, the instance's operations tell.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from shared.backup import drill_record
from shared.backup.drill import leftovers
from shared.backup.drill_record import DrillName
from shared.config.backups import Backups
from shared.errors import Conflict, InvalidEvent
from shared.events import tick
from shared.events.message import Message
from shared.rollout.announcement import Severity
from shared.runtime.backup_ledger import newest_good, tell
from shared.runtime.cloud import Cloud

from .steps import advance, news_key

_GRACE = timedelta(hours=1)  # for the deletion, after a drill's deadline


def handle(message: Message, cloud: Cloud) -> str:
    """By topic: a request starts drills, of one instance where it names one; a tick takes each one step on."""
    backups = cloud.environment.backups
    if backups is None or not backups.drill_bucket:
        return f"not_configured: {cloud.environment.name} drills nothing."
    now = cloud.clock.now()
    match message.topic:
        case "drill-requests":
            wanted = message.attributes.get("instance", "")
            began = tick.parse(message).at.replace(microsecond=0)
            outcomes = [
                _start(cloud, backups, name, now) for name in _names(backups, began) if wanted in ("", name.instance)
            ]
            return "; ".join(outcomes) or f"not_ours: {wanted} is no configured instance."
        case "drill-ticks":
            instances = cloud.databases.instances()
            outcomes = [
                advance(cloud, backups, drill, exists=drill.throw_away in instances)
                for name in _names(backups, now)
                for drill in _active(cloud, name, instances)
            ]
            return "; ".join([*outcomes, *_sweep(cloud, backups, instances, now)]) or "idle: no drill runs."
        case topic:
            raise InvalidEvent("topic", f'must be drill-requests or drill-ticks, not "{topic}"')


def _names(backups: Backups, began: datetime) -> Iterator[DrillName]:
    for instance, databases in backups.instances.items():
        for position, database in enumerate(databases):
            yield DrillName(instance=instance, database=database, position=position, started_at=began)


def _start(cloud: Cloud, backups: Backups, name: DrillName, now: datetime) -> str:
    """What it will restore is entered first; from then on ticks carry it on, whatever becomes of this message."""
    if cloud.ledger.existing([name.passed, name.failed]):
        return f"duplicate: the drill {name.throw_away} is over."
    if now - name.started_at > backups.drill_deadline:
        return f"stale: the request of {name.started_at:%Y-%m-%d %H:%M} UTC is too old to start a drill."
    instances = cloud.databases.instances()
    others = [drill.throw_away for drill in _active(cloud, name, instances) if drill != name]
    if others:
        return f"busy: {others[0]} is not over."
    newest = newest_good(cloud, name.instance, name.database)
    if newest is None:
        text = f"{name.database} on {name.instance} has no verified export that could be restored."
        tell(cloud, news_key(name), "drill.failed", text, Severity.PAGE, instance=name.instance)
        return f"nothing_to_restore: {name.instance}/{name.database}"
    cloud.ledger.append(name.started, drill_record.encode_export(newest))
    return advance(cloud, backups, name, exists=name.throw_away in instances)


def _active(cloud: Cloud, name: DrillName, instances: frozenset[str]) -> list[DrillName]:
    """The drills of this database that are not over: not reported yet, or with an instance that is still there."""
    keys = set(cloud.ledger.keys(name.folder))
    began = sorted(drill_record.started_at(key) for key in keys if key.endswith("-started.json"))
    drills = [name.at(moment) for moment in began]
    return [drill for drill in drills if not keys & {drill.passed, drill.failed} or drill.throw_away in instances]


def _sweep(cloud: Cloud, backups: Backups, instances: frozenset[str], now: datetime) -> Iterator[str]:
    """No throw-away instance outlives its drill: whosever it is and whatever became of the ledger."""
    for left in leftovers(instances, now, backups.drill_deadline + _GRACE):
        text = f"The throw-away instance {left} should be gone, costs money and holds real data; it is deleted now."
        source = next((name for name in backups.instances if left.startswith(f"drill-{name}-")), "")
        tell(cloud, f"drills/{left}", "drill.leftover", text, Severity.PAGE, instance=source)
        try:
            cloud.databases.delete(left)
        except Conflict as error:
            yield f"refused: {left}: {error}"
        else:
            yield f"swept: {left}"
