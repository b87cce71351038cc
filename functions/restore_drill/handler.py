"""Once a week the newest good export is restored for real; each message takes the drill one step on, and none waits.

What a drill set out to do is in the ledger before its instance is; where it stands, the instance's operations tell.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from shared.backup import drill_record
from shared.backup.drill import leftovers
from shared.backup.drill_record import DrillName
from shared.backup.names import is_drill_of, night_of
from shared.config.backups import Backups
from shared.errors import Conflict, InvalidEvent, NotFound
from shared.events import tick
from shared.events.message import Message
from shared.runtime.backup_ledger import newest_good
from shared.runtime.backup_news import tell
from shared.runtime.cloud import Cloud
from shared.runtime.one_by_one import one_by_one

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
            names = [name for name in _names(backups, began) if wanted in ("", name.instance)]
            outcomes = one_by_one(partial(_start, cloud, backups, name, now) for name in names)
            return "; ".join(outcomes) or f"not_ours: {wanted} is no configured instance."
        case "drill-ticks":
            instances = cloud.databases.instances()
            left = leftovers(instances, now, backups.drill_deadline + _GRACE)
            sweeping = [partial(_sweep, cloud, backups, name, now) for name in left]
            going_on = [partial(_go_on, cloud, backups, name, instances) for name in _names(backups, now)]
            return "; ".join(one_by_one([*sweeping, *going_on])) or "idle: no drill runs."
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
        tell(cloud, news_key(name), "drill.failed", text, instance=name.instance, database=name.database)
        return f"nothing_to_restore: {name.instance}/{name.database}"
    cloud.ledger.append(name.started, drill_record.encode_export(newest))
    return advance(cloud, backups, name)


def _active(cloud: Cloud, name: DrillName, instances: frozenset[str]) -> list[DrillName]:
    """The drills of this database that are not over: not reported yet, or with an instance that is still there."""
    keys = set(cloud.ledger.keys(name.folder))
    began = sorted(drill_record.started_at(key) for key in keys if key.endswith("-started.json"))
    drills = [name.at(moment) for moment in began]
    return [drill for drill in drills if not keys & {drill.passed, drill.failed} or drill.throw_away in instances]


def _go_on(cloud: Cloud, backups: Backups, name: DrillName, instances: frozenset[str]) -> str:
    """One step of each drill of a database that is not over; "" when there is none."""
    drills = _active(cloud, name, instances)
    return "; ".join(one_by_one(partial(advance, cloud, backups, drill) for drill in drills))


def _sweep(cloud: Cloud, backups: Backups, left: str, now: datetime) -> str:
    """No throw-away instance outlives its drill: whosever it is and whatever became of the ledger.

    Told again every night that it is still there. Nobody's pages for the first instance, for alerts are per instance.
    """
    text = f"The throw-away instance {left} should be gone, costs money and holds real data; it is deleted now."
    source = next((name.instance for name in _names(backups, now) if is_drill_of(left, name.label)), "")
    if not source:
        source = next(iter(backups.instances))
        text += " It is of no configured database."
    night = night_of(now, timedelta(days=1))
    tell(cloud, f"drills/{left}-{night:%Y%m%d}", "drill.leftover", text, instance=source, throw_away=left)
    try:
        cloud.databases.delete(left)
    except Conflict as error:
        return f"refused: {left}: {error}"
    except NotFound:
        return f"gone: {left}"
    return f"swept: {left}"
