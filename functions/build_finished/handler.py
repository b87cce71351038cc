"""A build changed its status: a success may deploy, a failure is reported, the rest says why nothing happens."""

from shared.events import announcement as announcements
from shared.events import build, deploy_request
from shared.events.message import Message
from shared.events.topics import DEPLOY_REQUESTS, ROLLOUT_EVENTS
from shared.rollout.announcement import Announcement
from shared.rollout.facts import DeployRequested
from shared.runtime.cloud import Cloud


def handle(message: Message, cloud: Cloud) -> str:
    """Parse, route, publish."""
    sentences = []
    for outcome in build.route(build.parse(message), cloud.environment):
        if isinstance(outcome, DeployRequested):
            data, attributes = deploy_request.encode(outcome)
            cloud.messages.publish(DEPLOY_REQUESTS, data, attributes)
            sentences.append(f"deploy_requested: {outcome.release.reference} for {outcome.service}")
        elif isinstance(outcome, Announcement):
            data, attributes = announcements.encode(outcome)
            cloud.messages.publish(ROLLOUT_EVENTS, data, attributes)
            sentences.append(f"reported: {outcome.text}")
        else:
            sentences.append(f"{outcome.rule}: {outcome.text}")
    return " ".join(sentences)
