"""List prices of November 2026 in US dollars, noted by hand; the page above each group is the authority.

They are those of the cheapest regions; what another costs more is said by `run_factor` and `other_factor`.
"""

RUN_TIERS = "https://cloud.google.com/run/docs/locations"
RUN_TIER_2_FACTOR = 1.4  # 0.0000336 against 0.000024 a vCPU-second, and as much for memory
TIER_2 = frozenset({"africa-south1", "asia-south2", "australia-southeast2", "europe-west6", "me-central1", "me-west1"})
OTHER_FACTOR = 1.3
"""Databases and storage where Cloud Run is of tier 2: an assumption on the safe side, for they have no tiers."""

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
REGISTRY = "https://cloud.google.com/artifact-registry/pricing"
REGISTRY_GIB, REGISTRY_FREE_GIB = 0.10, 0.5
SCANNING = "https://cloud.google.com/artifact-analysis/pricing"
SCANNED_IMAGE = 0.26
BUILD = "https://cloud.google.com/build/pricing"
BUILD_MINUTE, BUILD_FREE_MINUTES = 0.006, 2500
NETWORK = "https://cloud.google.com/vpc/network-pricing"
EGRESS_GIB = 0.12  # to the internet, premium tier
BALANCED_GIB = 0.008  # processed by the load balancer
CDN = "https://cloud.google.com/cdn/pricing"
CDN_GIB = 0.09  # from a cache to anywhere but the cheapest continents
UPTIME_FREE, UPTIME_THOUSAND = 1_000_000, 0.30
KMS = "https://cloud.google.com/kms/pricing"
KMS_VERSION = 0.06


def run_factor(region: str) -> float:
    """How much dearer Cloud Run is there."""
    return RUN_TIER_2_FACTOR if region in TIER_2 else 1.0


def other_factor(region: str) -> float:
    """How much dearer databases and storage are there."""
    return OTHER_FACTOR if region in TIER_2 else 1.0
