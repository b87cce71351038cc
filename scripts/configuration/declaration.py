"""What one environment's configuration holds, field by field: the one place that names, describes and bounds them.

Nothing has a default here. What is the same everywhere stands in terraform/environments/common.yaml, so that
Terraform, which reads the same files, cannot know another default. Fields that the functions read (`DELEGATED`) are
judged by their own loader, `shared.config.environment.load_environment`.
"""
# ruff: noqa: RUF009  (every field's "default" is `dataclasses.field`, which is none)

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = r"[a-z][a-z0-9-]{1,28}[a-z0-9]"
PRINCIPAL = r"(user|group|serviceAccount):[^@\s]+@[^@\s]+"
KEY = r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+"
CRON = r"(\S+ ){4}\S+"
DELEGATED = "delegated"


def says(doc: str, **bounds: Any) -> Any:
    """A field's sentence and its bounds: pattern (in full), low, high (inclusive), choices, min_items."""
    return field(metadata={"doc": doc, **bounds})


def delegated(doc: str) -> Any:
    """A field whose rules are those of the functions' own loader; it may be left out where that has a default."""
    return field(metadata={"doc": doc, DELEGATED: True}, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A Google Cloud project."""

    id: str = says("The project's id", pattern=r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
    number: str = says("Its number, as text: service agents and function URLs are named by it", pattern=r"[0-9]{6,14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where all environments' images lie; its project also holds the state bucket and GitHub's federation."""

    project: Project = says("The project of the registry")
    region: str = says("Its location", pattern=r"[a-z]+-[a-z]+[0-9]")
    repository: str = says("The Docker repository", pattern=NAME)
    untagged_days: int = says("Untagged images are deleted after so many days", low=1, high=365)
    kept_releases: int = says("So many newest versions of each image are always kept", low=5, high=500)
    encryption_key: str = says(
        'A Cloud KMS key in its location for images, assets and state, or "" for Google\'s own', pattern=f"({KEY})?"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """The repository whose workflows may sign in, by the numbers that survive a rename."""

    repository: str = says("owner/name, for people", pattern=r"[\w.-]+/[\w.-]+")
    repository_id: str = says("Its numeric id", pattern=r"[0-9]+")
    owner_id: str = says("The owner's numeric id", pattern=r"[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """Serving and automation apart: what takes a release back must not fall with the region it serves from."""

    serving: str = says("Where the services and the database run", pattern=r"[a-z]+-[a-z]+[0-9]")
    automation: str = says("Where the functions and the scheduler run", pattern=r"[a-z]+-[a-z]+[0-9]")
    backups: str = says("Where the second copy of every export lies", pattern=r"[a-z]+-[a-z]+[0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How many instances a service may have."""

    instances_min: int = says("Kept warm; 0 costs nothing and pays with a cold start", low=0, high=100)
    instances_max: int = says("Never more than so many", low=1, high=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Cloud Run's own probes of every instance. Paths must not end in "z"."""

    startup_path: str = says("Answers once the container can take requests", pattern=r"/.*[^z]")
    startup_seconds_max: int = says("A container that has not started by then is killed", low=10, high=240)
    liveness_path: str = says("Answers while the process is alive", pattern=r"/.*[^z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReference:
    """A secret by name and version: its value is in Secret Manager and nowhere else."""

    secret: str = says("The secret's id", pattern=r"[a-z][a-z0-9-]*")
    version: str = says(
        "A version's number; never latest, for a new value is rolled out like code", pattern=r"[1-9][0-9]*"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What users may expect over 28 days; the budget is what is left to 100."""

    availability_percent: float = says("Share of requests that do not end in a server error", low=90, high=99.99)
    latency_percent: float = says("Share of requests that are fast enough", low=50, high=99.9)
    latency_ms: int = says("Fast enough, at the container", low=10, high=60000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One Cloud Run service under our care."""

    kind: str = says("frontend takes every path no backend asks for", choices=("frontend", "backend"))
    image: str = says("The image's name in the registry", pattern=NAME)
    deploy_tags: Any = delegated("A regular expression a pushed tag must match in full")
    deploys_on: Any = delegated('"push" or "build"')
    probe_paths: Any = delegated("Requested on the tagged URL before any traffic and at every tick")
    probe_expects: Any = delegated("By probe path, a text its answer contains and the milliseconds it may take")
    connectivity: Any = delegated(
        "What its pages may cost people on slow lines, by route; every limit of shared/connectivity/budget.py"
    )
    supply: Any = delegated("What is asked of an image's origin and of its scan; nothing where it is left out")
    strategy: Any = delegated("Steps, waits, budgets and risks of a rollout; every knob of shared/rollout/strategy.py")
    assets: bool = says("Whether its releases' /_next/static must be in the assets bucket before any traffic moves")
    paths: tuple[str, ...] = says("Paths the load balancer sends here; none for the frontend", pattern=r"/\S*")
    uptime_path: str = says(
        "Requested from outside every minute, through the load balancer; answered with 200 to anybody",
        pattern=r"/\S*",
    )
    port: int = says("Where the container listens", low=1, high=65535)
    cpu: str = says("vCPUs of an instance", choices=("1", "2", "4"))
    memory_mib: int = says("Memory of an instance", low=128, high=16384)
    concurrency: int = says("Requests an instance takes at a time", low=1, high=1000)
    request_seconds_max: int = says("The longest request, WebSockets included", low=1, high=3600)
    scaling: Scaling = says("Instances")
    health: Health = says("Probes")
    variables: Mapping[str, str] = says("Plain settings of the container; nothing secret")
    secrets: Mapping[str, SecretReference] = says("Environment variables from Secret Manager")
    database: str = says('The database it connects to, or ""')
    objective: Objective = says("What is promised to users, and alerted on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """When Google may restart an instance, in UTC."""

    day: int = says("1 is Monday", low=1, high=7)
    hour: int = says("The hour it begins", low=0, high=23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """The instance's own backups, our exports of it, and the proof that they can be restored."""

    kept: int = says("Automated backups kept", low=7, high=365)
    point_in_time_days: int = says("How far back the log reaches", low=1, high=7)
    export_schedule: str = says(
        "Cron, UTC: a night's first time exports, its later ones repeat what failed", pattern=CRON
    )
    export_days: int = says("How long an export is locked", low=7, high=3650)
    drill_schedule: str = says("Cron, UTC: restores the newest export for real", pattern=CRON)
    verified_age_hours_max: int = says("An older newest verified export pages", low=26, high=48)
    release_age_hours_max: int = says(
        "A release that migrates waits for a verified export of a night at most so long ago", low=1, high=168
    )
    append_only: tuple[str, ...] = says("Tables that never lose a row", pattern=r"\S+\.\S+")
    volatile: tuple[str, ...] = says("Tables whose rows come and go within minutes", pattern=r"\S+\.\S+")
    retired: tuple[str, ...] = says("Tables a migration dropped: an export may lack them", pattern=r"\S+\.\S+")
    extensions: tuple[str, ...] = says("Extensions a migration added: an export may need them", pattern=r"[a-z]\S*")
    newest_row: str = says('SQL whose one value is the time of the newest row, or "": what a drill calls lost')
    checks: Mapping[str, str] = says("SQL whose one value must be true in a restored copy, by name", pattern=NAME)
    recovery_point_hours_max: int = says("A drill that would lose more fails (RPO)", low=1, high=168)
    recovery_minutes_max: int = says("A drill whose restore takes longer fails (RTO)", low=5, high=1440)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One PostgreSQL instance and the database of the same name in it."""

    version: str = says("Cloud SQL's name of it", pattern=r"POSTGRES_[0-9]{2}")
    tier: str = says("The machine", pattern=r"db-[a-z0-9-]+")
    high_availability: bool = says("A standby in another zone")
    disk_gib: int = says("Grows by itself from here", low=10, high=65536)
    connections_max: int = says("PostgreSQL's limit", low=25, high=10000)
    maintenance: Maintenance = says("When it may restart")
    people: tuple[str, ...] = says(
        "Who may sign in to it as themselves; what they may see is granted in the database",
        pattern=r"(user|group):[^@\s]+@[^@\s]+",
    )
    backups: Backups = says("How it is kept and proved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When an alert opens."""

    unacked_seconds_max: int = says("Age of the oldest message a function has not taken", low=60, high=86400)
    function_latency_ms_max: int = says("99th percentile of a function's answers", low=100, high=60000)
    tick_silence_minutes: int = says("No tick for so long means nobody measures", low=3, high=120)
    database_cpu_percent: int = says("Of the instance", low=10, high=100)
    database_disk_percent: int = says("Of the disk", low=10, high=100)
    database_connections_percent: int = says("Of connections_max", low=10, high=100)
    canary_error_percent: float = says("Server errors of one revision; above it an alert rolls back", low=1, high=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Where alerts go, besides the topic that rolls back."""

    emails: tuple[str, ...] = says("Addresses", pattern=r"[^@\s]+@[^@\s]+", min_items=1)
    chat_spaces: tuple[str, ...] = says("Google Chat spaces", pattern=r"spaces/[\w-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeWindow:
    """A time in which nothing is promoted; a rollback ignores it. The scheduler sends freeze and unfreeze."""

    name: str = says("Its name", pattern=NAME)
    why: str = says("One sentence for everybody", pattern=r".+")
    starts: str = says("Cron", pattern=CRON)
    ends: str = says("Cron", pattern=CRON)
    time_zone: str = says("Of both", pattern=r"[A-Z]\w+(/\w+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What keeps history from being lost."""

    deletion: bool = says("Services, databases and buckets refuse to be destroyed")
    ledger_days: int = says("No ledger entry can be changed or deleted before", low=1, high=3650)
    ledger_locked: bool = says("Then even an owner cannot shorten it: there is no way back")
    encryption_keys: Mapping[str, str] = says("Cloud KMS keys by region, one for each; without any, Google's own")


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What may be spent."""

    billing_account: str = says("The account that pays", pattern=r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}")
    currency: str = says("The account's", pattern=r"[A-Z]{3}")
    monthly_budget: int = says("Mails go out at half, nine tenths and all of it", low=1, high=1000000)
    log_days: int = says("How long logs are kept", low=1, high=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One environment: what common.yaml says, overlaid by the environment's own file."""

    name: str = says("The environment", choices=("dev", "staging", "production"))
    project: Project = says("Its project")
    domain: str = says("The host name users type", pattern=r"([a-z0-9-]+\.)+[a-z]{2,}")
    registry: Registry = says("Where images lie; the same for every environment")
    github: GitHub = says("Whose workflows may sign in")
    regions: Regions = says("Where things run")
    services: Mapping[str, Service] = says("The services, by their Cloud Run names", pattern=NAME, min_items=1)
    databases: Mapping[str, Database] = says("The databases", pattern=NAME)
    alerts: Thresholds = says("When an alert opens")
    channels: Channels = says("Where alerts go")
    operators: tuple[str, ...] = says("Who may send commands", pattern=PRINCIPAL, min_items=1)
    freeze_windows: tuple[FreezeWindow, ...] = says("When nothing is promoted")
    protection: Protection = says("What keeps history")
    costs: Costs = says("What may be spent")
