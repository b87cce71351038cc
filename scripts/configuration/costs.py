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
CHECKERS = 3  # terraform/platform/objectives.tf
_DEPLOYS, _BUILD_MINUTES, _KEPT_BUILDS, _FUNCTION_IMAGE_GIB = 8, 2, 10, 0.05
_RELEASES, _SERVICE_IMAGE_GIB = 60, 0.06  # a month, of each service; layers that releases share count once
_ANSWER_KIB, _FILES_KIB = 10, 40
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
    jobs = scheduler_jobs(found)
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

    yield from _checks_and_builds(found)


def _checks_and_builds(found: Configuration) -> Iterator[Line]:
    checks = MONTH_MINUTES * len(found.services) * CHECKERS
    yield Line(
        what="checks from outside",
        dollars=max(0, checks - prices.UPTIME_FREE) / 1000 * prices.UPTIME_THOUSAND,
        how=f"{checks:,} of {len(found.services)} paths from {CHECKERS} regions, {prices.UPTIME_FREE:,} are free",
        source=prices.MONITORING,
    )
    minutes = _DEPLOYS * len(functions()) * _BUILD_MINUTES
    yield Line(
        what="builds of functions",
        dollars=max(0, minutes - prices.BUILD_FREE_MINUTES) * prices.BUILD_MINUTE,
        how=f"{minutes} minutes for {_DEPLOYS} deploys of all, {prices.BUILD_FREE_MINUTES:,} are free",
        source=prices.BUILD,
    )
    gib = _KEPT_BUILDS * len(functions()) * _FUNCTION_IMAGE_GIB
    yield Line(
        what="images of functions",
        dollars=max(0.0, gib - prices.REGISTRY_FREE_GIB) * prices.REGISTRY_GIB,
        how=f"{gib:g} GiB: {_KEPT_BUILDS} versions of each, {_FUNCTION_IMAGE_GIB:g} GiB that are not shared",
        source=prices.REGISTRY,
    )


def scheduler_jobs(found: Configuration) -> int:
    """The tick, the hourly check and the drills' tick, and each database's and each freeze window's two."""
    return 3 + 2 * len(found.databases) + 2 * len(found.freeze_windows)


def registry(found: Configuration) -> Iterator[Line]:
    """What all environments share, once a month: images and their scan."""
    kept = found.registry.kept_releases * len(found.services)
    gib = kept * _SERVICE_IMAGE_GIB
    yield Line(
        what="images of services",
        dollars=max(0.0, gib - prices.REGISTRY_FREE_GIB) * prices.REGISTRY_GIB,
        how=f"{gib:g} GiB: {kept} releases kept, {_SERVICE_IMAGE_GIB:g} GiB each that are not shared",
        source=prices.REGISTRY,
    )
    pushed = _RELEASES * len(found.services)
    yield Line(
        what="scanning for vulnerabilities",
        dollars=pushed * prices.SCANNED_IMAGE,
        how=f"{pushed} images pushed, each scanned once; a promotion pushes none",
        source=prices.SCANNING,
    )


def _traffic(found: Configuration, requests_per_second: float) -> Iterator[Line]:
    answers = requests_per_second * MONTH_SECONDS * len(found.services) * _ANSWER_KIB / 2**20
    yield Line(
        what="traffic",
        dollars=answers * (prices.EGRESS_GIB + prices.BALANCED_GIB),
        how=f"{answers:.1f} GiB of answers of {_ANSWER_KIB} KiB to the internet, through the load balancer",
        source=prices.NETWORK,
    )
    files = requests_per_second * MONTH_SECONDS * _FILES_KIB / 2**20
    yield Line(
        what="Cloud CDN",
        dollars=files * prices.CDN_GIB,
        how=f"{files:.1f} GiB of files, {_FILES_KIB} KiB for each request of the frontend",
        source=prices.CDN,
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
    dearer = prices.other_factor(found.regions.serving)
    for name, service in found.services.items():
        yield _service(name, service, requests_per_second, found.regions.serving)
    yield from _traffic(found, requests_per_second)
    yield Line(
        what="load balancer",
        dollars=prices.LOAD_BALANCER_HOUR * 730,
        how="four forwarding rules",
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
            dollars=(machine + disk) * dearer,
            how=f"{database.tier}{', with a standby' if database.high_availability else ''}, {database.disk_gib} GiB"
            + _times(dearer),
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
            dollars=dearer
            * (_DRILLS * _DRILL_HOURS * (sql_hour(database.tier) + database.disk_gib * prices.SQL_DISK_GIB / 730)),
            how=f"{_DRILLS:g} restores a month into an instance of the same size, {_DRILL_HOURS:g} h each"
            + _times(dearer),
            source=prices.SQL,
        )
    secrets = {reference.secret for service in found.services.values() for reference in service.secrets.values()}
    yield Line(
        what="secrets",
        dollars=len(secrets) * prices.SECRET_VERSION,
        how=f"{len(secrets)} of one version each",
        source=prices.SECRETS,
    )

    keys = set(found.protection.encryption_keys.values())
    if keys:
        yield Line(
            what="keys of our own",
            dollars=len(keys) * prices.KMS_VERSION,
            how=f"{len(keys)} with one version each; every rotation adds one",
            source=prices.KMS,
        )


def _times(factor: float) -> str:
    return f", times {factor:g} for the region" if factor != 1 else ""


def _service(name: str, service: Service, requests_per_second: float, region: str) -> Line:
    dearer = prices.run_factor(region)
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
        dollars=(idle + busy) * dearer,
        how=f"{warm} kept warm, {requests / 1e6:.1f} million requests of 0.1 s" + _times(dearer),
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


def canary(service: Service, strategy: Strategy, region: str) -> Iterator[Line]:
    """What one rollout that passes adds: messages, and the second revision for as long as it is judged."""
    dearer = prices.run_factor(region)
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
        dollars=judged * dearer * (int(service.cpu) * prices.RUN_CPU_SECOND + gib * prices.RUN_GIB_SECOND),
        how=f"one instance more for {judged / 60:.0f} minutes, were it busy all the time" + _times(dearer),
        source=prices.RUN,
    )
