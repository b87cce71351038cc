"""What the services of an environment, its database and the way to them cost a month."""

from collections.abc import Iterator

from scripts.configuration.costs import prices
from scripts.configuration.costs.lines import MONTH_SECONDS, Line, times
from scripts.configuration.declaration import Configuration, Database, Service

_ANSWER_KIB, _FILES_KIB = 10, 40
_DRILLS, _DRILL_HOURS = 4.35, 1.0  # a weekly restore, as long as the promise allows


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
        yield from _database(name, database, dearer)
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
        how=f"{warm} kept warm, {requests / 1e6:.1f} million requests of 0.1 s" + times(dearer),
        source=prices.RUN,
    )


def _database(name: str, database: Database, dearer: float) -> Iterator[Line]:
    """dearer: how many times the list prices its region costs."""
    machine = sql_hour(database.tier) * (2 if database.high_availability else 1) * 730
    disk = database.disk_gib * (prices.SQL_DISK_GIB * (2 if database.high_availability else 1) + prices.SQL_BACKUP_GIB)
    yield Line(
        what=f"database {name}",
        dollars=(machine + disk) * dearer,
        how=f"{database.tier}{', with a standby' if database.high_availability else ''}, {database.disk_gib} GiB"
        + times(dearer),
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
        how=f"{_DRILLS:g} restores a month into an instance of the same size, {_DRILL_HOURS:g} h each" + times(dearer),
        source=prices.SQL,
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
