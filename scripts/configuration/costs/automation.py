"""What the functions of an environment cost a month, estimated from its configuration."""

from collections.abc import Iterator

from scripts.configuration.costs import prices
from scripts.configuration.costs.lines import MONTH_MINUTES, Line
from scripts.configuration.declaration import Configuration
from scripts.package_functions import functions

CHECKERS = 3  # terraform/platform/objectives.tf

_TICK_SECONDS = 1.0  # health_verify with its probes: an assumption on the safe side
_CONDITIONS_PER_FUNCTION, _CONDITIONS_PER_SERVICE, _CONDITIONS_PER_DATABASE, _CONDITIONS_BESIDES = 4, 15, 9, 3
_LOG_LINE_BYTES = 600
_DEPLOYS, _BUILD_MINUTES, _KEPT_BUILDS, _FUNCTION_IMAGE_GIB = 8, 2, 10, 0.05


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


def alert_conditions(found: Configuration) -> int:
    """How many conditions all alerts together have."""
    return (
        len(functions()) * _CONDITIONS_PER_FUNCTION
        + len(found.services) * _CONDITIONS_PER_SERVICE
        + len(found.databases) * _CONDITIONS_PER_DATABASE
        + _CONDITIONS_BESIDES
    )
