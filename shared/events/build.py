"""Cloud Build's notifications (topic `cloud-builds`): one message per change of status, in any order.

https://cloud.google.com/build/docs/subscribe-build-notifications
"""

from datetime import datetime

from shared.config.environment import Environment
from shared.events import fields
from shared.events.ignored import Ignored
from shared.events.image_reference import check_digest
from shared.events.message import Message
from shared.rollout.announcement import Announcement, Severity
from shared.rollout.facts import DeployRequested
from shared.rollout.names import Release
from shared.values import value

RUNNING = ("STATUS_UNKNOWN", "PENDING", "QUEUED", "WORKING")
FAILED = ("FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED")
STATUSES = (*RUNNING, "SUCCESS", *FAILED)


@value
class BuiltImage:
    """One of results.images: the repository path, digest and tag that was pushed."""

    image: str
    digest: str
    tag: str = ""


@value
class BuildChanged:
    """at: when the build finished, or when the message was published while it runs."""

    id: str
    status: str
    at: datetime
    images: tuple[BuiltImage, ...] = ()
    commit: str = ""
    log_url: str = ""
    detail: str = ""


Outcome = DeployRequested | Announcement | Ignored


def parse(message: Message) -> BuildChanged:
    """Raises InvalidEvent."""
    body = fields.decode(message)
    results = fields.mapping(body, "results", optional=True)
    images = []
    for index, row in enumerate(fields.rows(results, "images", path="results.")):
        path = f"results.images[{index}]."
        name = fields.text(row, "name", path=path)
        digest = check_digest(fields.text(row, "digest", path=path), f"{path}digest")
        image, tag = _split(name)
        images.append(BuiltImage(image=image, digest=digest, tag=tag))
    substitutions = fields.mapping(body, "substitutions", optional=True)
    return BuildChanged(
        id=fields.text(body, "id"),
        status=fields.choice(body, "status", STATUSES),
        at=fields.moment(body, "finishTime") if body.get("finishTime") else message.published_at,
        images=tuple(images),
        commit=fields.text(substitutions, "COMMIT_SHA", default="", path="substitutions."),
        log_url=fields.text(body, "logUrl", default=""),
        detail=fields.text(body, "statusDetail", default=""),
    )


def route(build: BuildChanged, environment: Environment) -> tuple[Outcome, ...]:
    """A success deploys what deploys on builds; a failure is reported; the rest says why nothing happens."""
    if build.status in RUNNING:
        return (Ignored(rule="not_finished", text=f"Build {build.id} is {build.status}."),)
    if build.status != "SUCCESS":
        text = f"Build {build.id} ended as {build.status}. {build.detail}".strip()
        return (
            Announcement(
                key=f"builds/{build.id}-{build.status}",
                kind="build.failed",
                service="builds",
                at=build.at,
                text=text,
                severity=Severity.WARNING,
                details={"log_url": build.log_url, "commit": build.commit},
            ),
        )
    if not build.images:
        return (Ignored(rule="no_images", text=f"Build {build.id} pushed no image."),)
    return tuple(outcome for image in build.images for outcome in _route_image(build, image, environment))


def _route_image(build: BuildChanged, image: BuiltImage, environment: Environment) -> tuple[Outcome, ...]:
    services = [service for service in environment.services.values() if service.image == image.image]
    if not services:
        return (Ignored(rule="unknown_image", text=f"{image.image} belongs to no service of {environment.name}."),)
    outcomes: list[Outcome] = []
    for service in services:
        if service.deploys_on != "build":
            outcomes.append(Ignored(rule="deploys_on_push", text=f"{service.name} deploys on pushes."))
            continue
        release = Release(
            image=image.image, digest=image.digest, requested_at=build.at, commit=build.commit, tag=image.tag
        )
        outcomes.append(DeployRequested(service=service.name, release=release, source="build", by=f"build {build.id}"))
    return tuple(outcomes)


def _split(name: str) -> tuple[str, str]:
    """The repository and tag of "repository:tag" or "repository"; the port of a registry stays."""
    head, slash, last = name.partition("@")[0].rpartition("/")
    image, _, tag = last.partition(":")
    return head + slash + image, tag
