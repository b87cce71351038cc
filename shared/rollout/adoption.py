"""Taking a service into care."""

from datetime import datetime

from shared.rollout.names import Release
from shared.rollout.record import Record
from shared.rollout.service import Revision, RevisionState, Service


def serving_revision(service: Service) -> str:
    """The revision most users are on, as Cloud Run observes it, or ""."""
    if service.serving:
        return max(service.serving, key=lambda name: (service.serving[name], name))
    return service.latest_ready


def adopt(service: Service, serving: Revision | None, image: str, now: datetime) -> Record:
    """The first record of a service: what serves now is stable, wherever its traffic pointed.

    image: the repository this service deploys from. A serving revision from another repository is a placeholder
    (Google's "hello" that Terraform starts with): there is nothing to compare with or to return to.
    """
    if serving is None or serving.state is not RevisionState.READY:
        return Record(service=service.name, placeholder=True)
    repository, _, digest = serving.image.partition("@")
    if repository.partition(":")[0] != image:
        return Record(service=service.name, stable=serving.name, placeholder=True)
    release = Release(image=image, digest=digest, requested_at=now) if digest else None
    return Record(
        service=service.name, stable=serving.name, stable_release=release, target=serving.name, good=(serving.name,)
    )
