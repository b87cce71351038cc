"""Estimates what an environment costs a month when nothing happens, and what one canary adds, from its configuration.

    scripts/estimate_costs.py production
    scripts/estimate_costs.py production --traffic 3     with so many requests a second to every service

Prices are list prices in US dollars of November 2026, noted by hand: the page named beside a line is the authority.
They drift, and regions differ by a third; what the estimate is good for is which line is large, and what a change of
the configuration does to it. Free tiers are taken off as if this were the account's only project.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.configuration import environments
from scripts.configuration.declaration import Configuration, Service
from scripts.configuration.for_functions import delivery_environment
from scripts.package_functions import functions
from shared.config.environment import load_environment
from shared.rollout.strategy import Strategy

MONTH_SECONDS = 730 * 3600
MONTH_MINUTES = 730 * 60

RUN = "https://cloud.google.com/run/pricing"
RUN_CPU_SECOND = 0.000024  # request-based billing, tier 1
RUN_GIB_SECOND = 0.0000025
RUN_CPU_SECOND_IDLE = 0.0000025  # of an instance kept warm
RUN_REQUESTS_MILLION = 0.40
RUN_FREE_CPU_SECONDS, RUN_FREE_GIB_SECONDS, RUN_FREE_REQUESTS = 180_000, 360_000, 2_000_000
PUBSUB = "https://cloud.google.com/pubsub/pricing"
PUBSUB_TIB, PUBSUB_FREE_GIB, PUBSUB_MESSAGE_MIN = 40.0, 10, 1000  # a message counts as 1 kB at least
SCHEDULER = "https://cloud.google.com/scheduler/pricing"
SCHEDULER_JOB = 0.10
LOAD_BALANCER = "https://cloud.google.com/vpc/network-pricing#lb"
LOAD_BALANCER_HOUR = 0.025  # up to five forwarding rules
ARMOR = "https://cloud.google.com/armor/pricing"
ARMOR_POLICY, ARMOR_RULE = 5.0, 1.0
SQL = "https://cloud.google.com/sql/pricing"
SQL_SHARED_HOUR = {"db-f1-micro": 0.0105, "db-g1-small": 0.035}
SQL_CPU_HOUR, SQL_GIB_HOUR, SQL_DISK_GIB, SQL_BACKUP_GIB = 0.0413, 0.0070, 0.17, 0.08
SECRETS = "https://cloud.google.com/secret-manager/pricing"
SECRET_VERSION = 0.06
MONITORING = "https://cloud.google.com/products/observability/pricing"
ALERT_CONDITION, ALERT_SERIES_MILLION = 0.10, 0.35
LOG_GIB, LOG_FREE_GIB = 0.50, 50
STORAGE = "https://cloud.google.com/storage/pricing"
STORAGE_GIB = 0.020

_TICK_SECONDS = 1.0  # health_verify with its probes: an assumption on the safe side
_MESSAGE_SECONDS = 0.3  # any other function, likewise
_ROLLOUT_MESSAGES = 60  # verdicts, steps and announcements of one rollout that passes
_CONDITIONS_PER_FUNCTION, _CONDITIONS_PER_SERVICE, _CONDITIONS_PER_DATABASE, _CONDITIONS_BESIDES = 4, 14, 5, 4
_LOG_LINE_BYTES = 600


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
    cpu = max(0.0, seconds - RUN_FREE_CPU_SECONDS) * RUN_CPU_SECOND
    memory = max(0.0, seconds * 0.5 - RUN_FREE_GIB_SECONDS) * RUN_GIB_SECOND
    requests = max(0.0, MONTH_MINUTES - RUN_FREE_REQUESTS) / 1e6 * RUN_REQUESTS_MILLION
    yield Line(
        what="health_verify, a tick a minute",
        dollars=cpu + memory + requests,
        how=f"{MONTH_MINUTES:,} ticks of {_TICK_SECONDS:g} s, 1 vCPU, 0.5 GiB, after the free tier",
        source=RUN,
    )
    gib = MONTH_MINUTES * 2 * PUBSUB_MESSAGE_MIN / 2**30
    yield Line(
        what="messages",
        dollars=max(0.0, gib - PUBSUB_FREE_GIB) / 1024 * PUBSUB_TIB,
        how=f"{gib:.2f} GiB of ticks and their delivery, {PUBSUB_FREE_GIB} GiB are free",
        source=PUBSUB,
    )
    jobs = 1 + 2 * len(found.freeze_windows)
    yield Line(what="scheduler", dollars=jobs * SCHEDULER_JOB, how=f"{jobs} jobs", source=SCHEDULER)
    conditions = alert_conditions(found)
    yield Line(
        what="alerts",
        dollars=conditions * ALERT_CONDITION + conditions * MONTH_MINUTES * 2 / 1e6 * ALERT_SERIES_MILLION,
        how=f"{conditions} conditions, read every 30 s",
        source=MONITORING,
    )
    log_gib = MONTH_MINUTES * 2 * _LOG_LINE_BYTES / 2**30
    yield Line(
        what="logs",
        dollars=max(0.0, log_gib - LOG_FREE_GIB) * LOG_GIB,
        how=f"{log_gib:.2f} GiB, {LOG_FREE_GIB} GiB are free",
        source=MONITORING,
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
        dollars=LOAD_BALANCER_HOUR * 730,
        how="four forwarding rules; traffic comes on top",
        source=LOAD_BALANCER,
    )
    yield Line(what="Cloud Armor", dollars=ARMOR_POLICY + 2 * ARMOR_RULE, how="one policy, two rules", source=ARMOR)
    for name, database in found.databases.items():
        machine = sql_hour(database.tier) * (2 if database.high_availability else 1) * 730
        disk = database.disk_gib * (SQL_DISK_GIB * (2 if database.high_availability else 1) + SQL_BACKUP_GIB)
        yield Line(
            what=f"database {name}",
            dollars=machine + disk,
            how=f"{database.tier}{', with a standby' if database.high_availability else ''}, {database.disk_gib} GiB",
            source=SQL,
        )
        exports = database.disk_gib * 0.2 * database.backups.export_days
        yield Line(
            what=f"exports of {name}",
            dollars=exports * STORAGE_GIB,
            how=f"{database.backups.export_days} nights of at most {database.disk_gib * 0.2:g} GiB, compressed",
            source=STORAGE,
        )
    secrets = {reference.secret for service in found.services.values() for reference in service.secrets.values()}
    yield Line(what="secrets", dollars=len(secrets) * SECRET_VERSION, how=f"{len(secrets)} versions", source=SECRETS)


def _service(name: str, service: Service, requests_per_second: float) -> Line:
    warm = service.scaling.instances_min
    gib, cpu = service.memory_mib / 1024, int(service.cpu)
    idle = warm * MONTH_SECONDS * (cpu * RUN_CPU_SECOND_IDLE + gib * RUN_GIB_SECOND)
    requests = requests_per_second * MONTH_SECONDS
    busy_seconds = requests * 0.1 / min(service.concurrency, max(1.0, requests_per_second * 0.1))
    busy = busy_seconds * (cpu * RUN_CPU_SECOND + gib * RUN_GIB_SECOND) + requests / 1e6 * RUN_REQUESTS_MILLION
    return Line(
        what=f"service {name}",
        dollars=idle + busy,
        how=f"{warm} kept warm, {requests / 1e6:.1f} million requests of 0.1 s",
        source=RUN,
    )


def sql_hour(tier: str) -> float:
    """Dollars an hour of a machine. Raises ValueError for a tier whose price is not known here."""
    if tier in SQL_SHARED_HOUR:
        return SQL_SHARED_HOUR[tier]
    kind, _, size = tier.partition("db-custom-")
    cpus, _, mib = size.partition("-")
    if kind or not (cpus.isdigit() and mib.isdigit()):
        raise ValueError(f"no price is known for the tier {tier}")
    return int(cpus) * SQL_CPU_HOUR + int(mib) / 1024 * SQL_GIB_HOUR


def canary(service: Service, strategy: Strategy) -> Iterator[Line]:
    """What one rollout that passes adds: messages, and the second revision for as long as it is judged."""
    seconds = _ROLLOUT_MESSAGES * _MESSAGE_SECONDS
    yield Line(
        what="its messages",
        dollars=seconds * (RUN_CPU_SECOND + 0.5 * RUN_GIB_SECOND),
        how=f"about {_ROLLOUT_MESSAGES} of {_MESSAGE_SECONDS:g} s",
        source=RUN,
    )
    judged = (strategy.step_bake_time * len(strategy.steps) + strategy.final_bake_time).total_seconds()
    gib = service.memory_mib / 1024
    yield Line(
        what="the second revision",
        dollars=judged * (int(service.cpu) * RUN_CPU_SECOND + gib * RUN_GIB_SECOND),
        how=f"one instance more for {judged / 60:.0f} minutes, were it busy all the time",
        source=RUN,
    )


def report(found: Configuration, requests_per_second: float) -> str:
    """The whole estimate as text."""
    managed = load_environment(delivery_environment(found)).services
    parts = [
        ("The automation, a month", list(automation(found))),
        ("What it delivers, a month", list(serving(found, requests_per_second))),
        *(
            (f"One canary of {name}", list(canary(service, managed[name].strategy)))
            for name, service in found.services.items()
        ),
    ]
    text = [f"{found.name}, US dollars at list price\n"]
    for title, lines in parts:
        text.append(f"{title}: {sum(line.dollars for line in lines):.2f}")
        text += [f"  {line.dollars:8.2f}  {line.what}: {line.how}\n            {line.source}" for line in lines]
        text.append("")
    return "\n".join(text)


def main() -> int:
    """The exit code: 1 where the configuration is not sound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", choices=environments.names())
    parser.add_argument("--traffic", type=float, default=0.0, help="requests a second to every service")
    options = parser.parse_args()
    found = environments.read(options.environment).found
    if found is None:
        print("not sound; see scripts/environments.py validate", file=sys.stderr)
        return 1
    print(report(found, options.traffic))
    return 0


if __name__ == "__main__":
    sys.exit(main())
