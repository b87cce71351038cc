"""A frontend's release starts only once every file that its pages ask for is where the load balancer serves it from.

With two releases behind one address, a page of the one asks the other for its scripts; see
docs/explanation/release_assets.md.
"""

from collections.abc import Mapping

from shared.config.environment import ManagedService
from shared.errors import InvalidEvent, NotFound
from shared.events import asset_listing
from shared.rollout.facts import OPEN, Gate
from shared.rollout.names import Release
from shared.runtime.cloud import Cloud


def files_stored(cloud: Cloud, managed: ManagedService, release: Release) -> Gate:
    """Waits for the pipeline's list, which it writes last; refuses when the list and the bucket disagree."""
    bucket, key = managed.assets_bucket, asset_listing.key_of(release.digest)
    try:
        content = cloud.objects.read(bucket, key)
    except NotFound:
        return Gate(waits=f"its files are not in the assets bucket: there is no gs://{bucket}/{key}.")
    try:
        listed = asset_listing.parse(content, release.digest)
    except InvalidEvent as error:
        return Gate(refuses=f"gs://{bucket}/{key} does not list its files: {error}.")
    wrong = _first_wrong(listed, cloud.objects.sizes(bucket, listed))
    return Gate(refuses=f"{wrong} (in gs://{bucket}). Upload its files again, then add a new tag.") if wrong else OPEN


def _first_wrong(listed: Mapping[str, int], found: Mapping[str, int]) -> str:
    missing = [name for name in listed if name not in found]
    if missing:
        more = f", as are {len(missing) - 1} more of {len(listed)}" if len(missing) > 1 else f" of {len(listed)}"
        return f"its file {missing[0]} is missing{more}"
    other = next((name for name, size in listed.items() if found[name] != size), "")
    return f"its file {other} has {found[other]} bytes instead of {listed[other]}" if other else ""
