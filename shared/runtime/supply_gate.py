"""A release starts only if our pipeline built it and nothing too bad is known against it, as its service asks."""

from shared.rollout.facts import OPEN, Gate
from shared.rollout.names import Release
from shared.rollout.supply import Attestation, Supply, passes
from shared.runtime.cloud import Cloud


def origin_and_scan(cloud: Cloud, supply: Supply, release: Release) -> Gate:
    """What is known against a release may refuse it before its origin is known."""
    scanned = passes(supply, cloud.artifacts.scan(release.reference)) if supply.asks_for_a_scan else OPEN
    if scanned.refuses or supply.attestation is Attestation.IGNORE:
        return scanned
    if cloud.artifacts.attested(release.reference, supply.note):
        return scanned
    return Gate(waits=f"nothing attests that our pipeline built it: no attestation hangs on {supply.note}.")
