"""Artifact Registry's notifications (topic `gcr`); Container Registry's had the same shape.

https://cloud.google.com/artifact-registry/docs/configure-notifications
One push is several messages: the digest alone, and one for each tag. Only a tagged INSERT says what is meant.
"""

import re
from datetime import datetime

from shared.config.environment import Environment, ManagedService
from shared.errors import InvalidEvent
from shared.events import fields
from shared.events.ignored import Ignored
from shared.events.image_reference import split_digest, split_tag
from shared.events.message import Message
from shared.rollout.facts import DeployRequested
from shared.rollout.names import Release
from shared.values import value

_SIGNATURE = re.compile(r"sha256-[0-9a-f]{64}(\.\w+)?")  # cosign stores signatures and attestations as tags


@value
class ImagePushed:
    """action: INSERT or DELETE; digest and tag are "" when the message has none."""

    action: str
    image: str
    digest: str
    tag: str
    at: datetime


def parse(message: Message) -> ImagePushed:
    """Raises InvalidEvent."""
    body = fields.decode(message)
    action = fields.choice(body, "action", ("INSERT", "DELETE"))
    by_digest, by_tag = fields.text(body, "digest", default=""), fields.text(body, "tag", default="")
    if not by_digest and not by_tag:
        raise InvalidEvent("digest", "is absent, and so is tag")
    repository, digest = split_digest(by_digest, "digest") if by_digest else ("", "")
    tagged, tag = split_tag(by_tag, "tag") if by_tag else ("", "")
    if repository and tagged and repository != tagged:
        raise InvalidEvent("tag", f'is of "{tagged}" but digest is of "{repository}"')
    return ImagePushed(action=action, image=repository or tagged, digest=digest, tag=tag, at=message.published_at)


def route(push: ImagePushed, environment: Environment) -> tuple[DeployRequested | Ignored, ...]:
    """The deploys that this push asks for, one for every service of the image, or the rules that ignore it."""
    name = f"{push.image}:{push.tag or push.digest}"
    if push.action == "DELETE":
        return (Ignored(rule="deleted", text=f"{name} was deleted; nothing deploys for that."),)
    if not push.tag:
        return (Ignored(rule="untagged", text=f"{name} has no tag; only tagged pushes deploy."),)
    if _SIGNATURE.fullmatch(push.tag):
        return (Ignored(rule="signature", text=f"{name} is a signature, not an image."),)
    services = [row for row in environment.services.values() if row.image == push.image]
    if not services:
        return (Ignored(rule="unknown_image", text=f"{push.image} belongs to no service of {environment.name}."),)
    return tuple(_route_to(service, push, name) for service in services)


def _route_to(service: ManagedService, push: ImagePushed, name: str) -> DeployRequested | Ignored:
    if service.deploys_on != "push":
        return Ignored(rule="deploys_on_build", text=f"{service.name} deploys on finished builds.")
    if not re.fullmatch(service.deploy_tags, push.tag):
        return Ignored(rule="tag_rule", text=f"{push.tag} does not match {service.name}'s {service.deploy_tags}.")
    if not push.digest:
        return Ignored(rule="no_digest", text=f"{name} came without its digest; we deploy by digest only.")
    release = Release(image=push.image, digest=push.digest, requested_at=push.at, tag=push.tag)
    return DeployRequested(service=service.name, release=release, source="push", by="push")
