"""A release that migrates its database waits until a verified export of it, young enough, could undo the migration."""

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.config.environment import ManagedService
from shared.runtime.cloud import Cloud

if TYPE_CHECKING:
    from shared.rollout.facts import DeployRequested
    from shared.rollout.names import Release


def behind_backup(cloud: Cloud, request: "DeployRequested") -> "DeployRequested":
    """The request with why it must wait; nothing is read for a release that declares no migration."""
    managed = cloud.environment.services.get(request.service)
    if managed is None or not request.release.migration:
        return request
    return replace(request, unsaved=unsaved(cloud, managed, request.release))


def unsaved(cloud: Cloud, managed: ManagedService, release: "Release") -> str:
    """Why the database could not be put back as it is now, or ""."""
    if not release.migration:
        return ""
    said = f"its tag {release.tag} declares a migration, and"
    if managed.database is None:
        return f"{said} services.{managed.name}.database names no database whose export could be checked."
    from shared.backup.catalogue import fresh
    from shared.runtime.backup_ledger import newest_good

    instance, database = managed.database
    newest = newest_good(cloud, instance, database)
    if fresh(newest, cloud.clock.now(), managed.backup_age_max):
        return ""
    last = f"the last is of {newest.name.night:%Y-%m-%d %H:%M} UTC" if newest else "there never was one"
    return f"{said} {database} on {instance} has no verified export younger than {managed.backup_age_max}; {last}."
