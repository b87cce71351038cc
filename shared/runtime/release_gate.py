"""What a release must show before it starts, asked when it is requested and again at every tick while it waits."""

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.config.environment import ManagedService
from shared.errors import Unavailable
from shared.runtime.cloud import Cloud

if TYPE_CHECKING:
    from shared.rollout.facts import DeployRequested, Gate
    from shared.rollout.names import Release


def at_the_gate(cloud: Cloud, request: "DeployRequested") -> "DeployRequested":
    """The request with whether it may start."""
    managed = cloud.environment.services.get(request.service)
    return request if managed is None else replace(request, gate=gate_of(cloud, managed, request.release))


def gate_of(cloud: Cloud, managed: ManagedService, release: "Release") -> "Gate":
    """Nothing is read that the service does not ask for.

    What the pipeline must bring may take `gate_deadline` from the request on; then the release is refused and a person
    told. A backup comes with the night, and its absence has an alert of its own.
    """
    from shared.rollout.facts import OPEN, Gate

    try:
        brought = _brought(cloud, managed, release)
    except Unavailable as error:
        brought = Gate(waits=f"nobody can say whether it may start: {error}.")
    if brought.waits and cloud.clock.now() - release.requested_at >= managed.strategy.gate_deadline:
        over = f"{brought.waits} It waited for {managed.strategy.gate_deadline}; mend that, then add a new tag."
        return Gate(refuses=over, pages=True)
    if brought != OPEN or not release.migration:
        return brought
    from shared.runtime.backup_gate import unsaved

    return Gate(waits=unsaved(cloud, managed, release))


def _brought(cloud: Cloud, managed: ManagedService, release: "Release") -> "Gate":
    """Of the release's files, its origin and its scan, what refuses it before what makes it wait."""
    from shared.rollout.facts import OPEN

    found = OPEN
    if managed.assets_bucket:
        from shared.runtime.assets_gate import files_stored

        found = files_stored(cloud, managed, release)
    if not found.refuses and managed.supply is not None:
        from shared.runtime.supply_gate import origin_and_scan

        known = origin_and_scan(cloud, managed.supply, release)
        found = known if known.refuses or not found.waits else found
    return found
