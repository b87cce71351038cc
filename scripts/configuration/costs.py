"""What an environment costs a month, and what a canary adds, estimated from its configuration."""

from collections.abc import Iterator
from dataclasses import dataclass

from scripts.configuration import prices
from scripts.configuration.declaration import Configuration, Service
from scripts.package_functions import functions
from shared.rollout.strategy import Strategy

MONTH_SECONDS = 730 * 3600
MONTH_MINUTES = 730 * 60

_TICK_SECONDS = 1.0  # health_verify with its probes: an assumption on the safe side
_MESSAGE_SECONDS = 0.3  # any other function, likewise
_ROLLOUT_MESSAGES = 60  # verdicts, steps and announcements of one rollout that passes
_CONDITIONS_PER_FUNCTION, _CONDITIONS_PER_SERVICE, _CONDITIONS_PER_DATABASE, _CONDITIONS_BESIDES = 4, 15, 9, 3
_LOG_LINE_BYTES = 600
_DRILLS, _DRILL_HOURS = 4.35, 1.0  # a weekly restore, as long as the promise allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the estimate, in dollars a month (or a canary)."""

    what: str
    dollars: float
    how: str
    source: str


def automation(found: Configuration) -> Iterator[Line]:
    """What the functions cost in a month without any release."""
    seconds = MONTH_MINUTES * _TICK_SECONDS
    cpu = max(0.0, seconds - prices.RUN_FREE_CPU_SECONDS) * prices.RUN_CPU_SECOND
    memory = max(0.0, seconds * 0.5 - prices.RUN_FREE_GIB_SECONDS) * prices.RUN_GIB_SECOND
    requests = max(0.0, MONTH_MINUTES - prices.RUN_FREE_REQUESTS) / 1e6 * prices.RUN_REQUESTS_MILLION
    yield Line(
        what="health_verify, a tick a minute",
        dollars=cpu + memory + requests,
        how=f"{MONTH_MINUTES:,} ticks of {_TICK_SECONDS:g} s, 1 vCPU, 0.5 GiB, after the free tier",
        source=prices.RUN,
    )
    gib = MONTH_MINUTES * 2 * prices.PUBSUB_MESSAGE_MIN / 2**30
    yield Line(
        what="messages",
        dollars=max(0.0, gib - prices.PUBSUB_FREE_GIB) / 1024 * prices.PUBSUB_TIB,
        how=f"{gib:.2f} GiB of ticks and their delivery, {prices.PUBSUB_FREE_GIB} GiB are free",
        source=prices.PUBSUB,
    )
    jobs = 3 + 2 * len(found.databases) + 2 * len(found.freeze_windows)
    yield Line(
        what="scheduler",
        dollars=jobs * prices.SCHEDULER_JOB,
        how=f"{jobs} job{'s' if jobs > 1 else ''}",
        source=prices.SCHEDULER,
    )
    conditions = alert_conditions(found)
    yield Line(
        what="alerts",
        dollars=conditions * prices.ALERT_CONDITION
        + conditions * MONTH_MINUTES * 2 / 1e6 * prices.ALERT_SERIES_MILLION,
        how=f"{conditions} conditions, read every 30 s",
        source=prices.MONITORING,
    )
    log_gib = MONTH_MINUTES * 2 * _LOG_LINE_BYTES / 2**30
    yield Line(
        what="logs",
        dollars=max(0.0, log_gib - prices.LOG_FREE_GIB) * prices.LOG_GIB,
        how=f"{log_gib:.2f} GiB, {prices.LOG_FREE_GIB} GiB are free",
        source=prices.MONITORING,
    )


def alert_conditions(found: Configuration) -> int:
    """How many conditions all alerts together have."""
    return (
        len(functions()) * _CONDITIONS_PER_FUNCTION
        + len(found.services) * _CONDITIONS_PER_SERVICE
        + len(found.databases) * _CONDITIONS_PER_DATABASE
        + _CONDITIONS_BESIDES
    )


def serving(found: Configuration, requests_per_second: float) -> Iterator[Line]:
    """What the services, the database and the way to them cost in a month."""
    for name, service in found.services.items():
        yield _service(name, service, requests_per_second)
    yield Line(
        what="load balancer",
        dollars=prices.LOAD_BALANCER_HOUR * 730,
        how="four forwarding rules; traffic comes on top",
        source=prices.LOAD_BALANCER,
    )
    yield Line(
        what="Cloud Armor",
        dollars=prices.ARMOR_POLICY + 2 * prices.ARMOR_RULE,
        how="one policy, two rules",
        source=prices.ARMOR,
    )
    for name, database in found.databases.items():
        machine = sql_hour(database.tier) * (2 if database.high_availability else 1) * 730
        disk = database.disk_gib * (
            prices.SQL_DISK_GIB * (2 if database.high_availability else 1) + prices.SQL_BACKUP_GIB
        )
        yield Line(
            what=f"database {name}",
            dollars=machine + disk,
            how=f"{database.tier}{', with a standby' if database.high_availability else ''}, {database.disk_gib} GiB",
            source=prices.SQL,
        )
        exports = database.disk_gib * 0.2 * database.backups.export_days
        yield Line(
            what=f"exports of {name}",
            dollars=exports * prices.STORAGE_GIB,
            how=f"{database.backups.export_days} nights of at most {database.disk_gib * 0.2:g} GiB, compressed",
            source=prices.STORAGE,
        )
        yield Line(
            what=f"drills of {name}",
            dollars=_DRILLS * _DRILL_HOURS * (sql_hour(database.tier) + database.disk_gib * prices.SQL_DISK_GIB / 730),
            how=f"{_DRILLS:g} restores a month into an instance of the same size, {_DRILL_HOURS:g} h each",
            source=prices.SQL,
        )
    secrets = {reference.secret for service in found.services.values() for reference in service.secrets.values()}
    yield Line(
        what="secrets",
        dollars=len(secrets) * prices.SECRET_VERSION,
        how=f"{len(secrets)} of one version each",
        source=prices.SECRETS,
    )


def _service(name: str, service: Service, requests_per_second: float) -> Line:
    warm = service.scaling.instances_min
    gib, cpu = service.memory_mib / 1024, int(service.cpu)
    idle = warm * MONTH_SECONDS * (cpu * prices.RUN_CPU_SECOND_IDLE + gib * prices.RUN_GIB_SECOND)
    requests = requests_per_second * MONTH_SECONDS
    busy_seconds = requests * 0.1 / min(service.concurrency, max(1.0, requests_per_second * 0.1))
    busy = (
        busy_seconds * (cpu * prices.RUN_CPU_SECOND + gib * prices.RUN_GIB_SECOND)
        + requests / 1e6 * prices.RUN_REQUESTS_MILLION
    )
    return Line(
        what=f"service {name}",
        dollars=idle + busy,
        how=f"{warm} kept warm, {requests / 1e6:.1f} million requests of 0.1 s",
        source=prices.RUN,
    )


def sql_hour(tier: str) -> float:
    """Dollars an hour of a machine. Raises ValueError for a tier whose price is not known here."""
    if tier in prices.SQL_SHARED_HOUR:
        return prices.SQL_SHARED_HOUR[tier]
    kind, _, size = tier.partition("db-custom-")
    cpus, _, mib = size.partition("-")
    if kind or not (cpus.isdigit() and mib.isdigit()):
        raise ValueError(f"no price is known for the tier {tier}")
    return int(cpus) * prices.SQL_CPU_HOUR + int(mib) / 1024 * prices.SQL_GIB_HOUR


def canary(service: Service, strategy: Strategy) -> Iterator[Line]:
    """What one rollout that passes adds: messages, and the second revision for as long as it is judged."""
    seconds = _ROLLOUT_MESSAGES * _MESSAGE_SECONDS
    yield Line(
        what="its messages",
        dollars=seconds * (prices.RUN_CPU_SECOND + 0.5 * prices.RUN_GIB_SECOND),
        how=f"about {_ROLLOUT_MESSAGES} of {_MESSAGE_SECONDS:g} s",
        source=prices.RUN,
    )
    judged = (strategy.step_bake_time * len(strategy.steps) + strategy.final_bake_time).total_seconds()
    gib = service.memory_mib / 1024
    yield Line(
        what="the second revision",
        dollars=judged * (int(service.cpu) * prices.RUN_CPU_SECOND + gib * prices.RUN_GIB_SECOND),
        how=f"one instance more for {judged / 60:.0f} minutes, were it busy all the time",
        source=prices.RUN,
    )
