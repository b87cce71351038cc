"""An image was pushed: a tag that deploys becomes a deploy request, everything else says why not."""

from shared.events import deploy_request, image_push
from shared.events.message import Message
from shared.events.topics import DEPLOY_REQUESTS
from shared.rollout.facts import DeployRequested
from shared.runtime.cloud import Cloud


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, route, publish."""
    sentences = []
    for outcome in image_push.route(image_push.parse(message), cloud.environment):
        if isinstance(outcome, DeployRequested):
            data, attributes = deploy_request.encode(outcome)
            cloud.messages.publish(DEPLOY_REQUESTS, data, attributes)
            sentences.append(f"deploy_requested: {outcome.release.reference} for {outcome.service}")
        else:
            sentences.append(f"{outcome.rule}: {outcome.text}")
    return " ".join(sentences)
