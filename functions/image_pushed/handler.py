"""An image was pushed: a tag that deploys becomes a deploy request, everything else says why not."""

from shared.events import deploy_request, image_push
from shared.events.message import Message
from shared.events.topics import DEPLOY_REQUESTS
from shared.rollout.facts import DeployRequested
from shared.runtime.cloud import Cloud


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, route, publish."""
    outcome = image_push.route(image_push.parse(message), cloud.environment)
    if not isinstance(outcome, DeployRequested):
        return f"{outcome.rule}: {outcome.text}"
    data, attributes = deploy_request.encode(outcome)
    cloud.messages.publish(DEPLOY_REQUESTS, data, attributes)
    return f"deploy_requested: {outcome.release.reference} for {outcome.service}"
