"""What a service's pages may cost in an environment, or what any page may that has no budget of its own."""

import sys
from collections.abc import Sequence

from scripts.configuration import environments
from shared.config.connectivity import read_connectivity
from shared.connectivity.budget import Budget, Connectivity, Mode


def budgets(service: str | None, environment: str, routes: Sequence[str]) -> Connectivity:
    """routes: with the usual budget, where no service is named. Exits with the reason when it has none."""
    if not service:
        return Connectivity(mode=Mode.BLOCK, budgets={route: Budget() for route in routes or ["/"]})
    if environment not in environments.names():
        sys.exit(f"--environment: must be one of {', '.join(environments.names())}")
    configured = environments.read(environment).found
    found = configured.services.get(service) if configured else None
    if found is None or found.connectivity is None:
        sys.exit(f"--service: {service} has no connectivity budgets in {environment}")
    wrong: list[str] = []
    read = read_connectivity(found.connectivity, wrong, f"services.{service}.connectivity")
    if wrong:
        sys.exit("\n".join(wrong))
    return read
