"""A release that migrates its database waits until a verified export of it, young enough, could undo the migration."""

from typing import TYPE_CHECKING

from shared.config.environment import ManagedService
from shared.runtime.cloud import Cloud

if TYPE_CHECKING:
    from shared.rollout.names import Release


def unsaved(cloud: Cloud, managed: ManagedService, release: "Release") -> str:
    """Why the database could not be put back as it is now, or ""; nothing is read for one that migrates nothing."""
    if not release.migration:
        return ""
    said = f"its tag {release.tag} declares a migration, and"
    if managed.database is None:
        return f"{said} services.{managed.name}.database names no database whose export could be checked."
    from shared.backup.catalogue import fresh
    from shared.backup.spans import in_words
    from shared.runtime.backup_ledger import newest_good

    instance, database = managed.database
    newest = newest_good(cloud, instance, database)
    if fresh(newest, cloud.clock.now(), managed.backup_age_max):
        return ""
    last = f"the last is of {newest.name.night:%Y-%m-%d %H:%M} UTC" if newest else "there never was one"
    age = in_words(managed.backup_age_max)
    return f"{said} {database} on {instance} has no verified export younger than {age}; {last}."
