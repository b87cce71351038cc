"""What GitHub's workflows must know of an environment: read from the repository, so that nobody copies it to GitHub."""

from scripts.configuration import for_functions
from scripts.configuration.declaration import Configuration

ACCOUNTS = ("deployer", "operator", "planner", "promoter", "pusher")
_POOL = "locations/global/workloadIdentityPools/github/providers/github"
_KEY = "keyRings/pipeline/cryptoKeys/attestations/cryptoKeyVersions/1"


def account(found: Configuration, kind: str) -> str:
    """The address of an account that terraform/bootstrap/github.tf makes. Raises ValueError when it makes none."""
    registry, own = found.registry.project.id, found.project.id
    match kind:
        case "pusher":
            name, project = "pusher", registry
        case "promoter":
            if found.name == "dev":
                raise ValueError("promoter: nothing is promoted to dev; a push brings it there")
            name, project = f"promoter-{found.name}", registry
        case "deployer" | "operator" | "planner":
            name, project = f"{kind}-{found.name}", own
        case _:
            raise ValueError(f"{kind}: must be one of {', '.join(ACCOUNTS)}")
    return f"github-{name}@{project}.iam.gserviceaccount.com"


def assets_bucket(found: Configuration) -> str:
    """One for all environments: a promotion moves an image, not its files."""
    return f"{found.registry.project.id}-assets"


def outputs(found: Configuration, kind: str) -> dict[str, str]:
    """As lines of GITHUB_OUTPUT. kind: the account to sign in as, or "" for none."""
    registry = found.registry
    host = f"{registry.region}-docker.pkg.dev"
    return {
        "project": found.project.id,
        "region": found.regions.serving,
        "registry_host": host,
        "registry": f"{host}/{registry.project.id}/{registry.repository}",
        "assets_bucket": assets_bucket(found),
        "ledger_bucket": for_functions.ledger_bucket(found),
        "registry_project": registry.project.id,
        "attestor": f"projects/{registry.project.id}/attestors/{for_functions.BUILT_BY_PIPELINE}",
        "attestation_key": f"projects/{registry.project.id}/locations/{registry.region}/{_KEY}",
        "provider": f"projects/{registry.project.number}/{_POOL}",
        "account": account(found, kind) if kind else "",
    }
