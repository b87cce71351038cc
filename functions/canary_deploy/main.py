"""Starts the canary of a requested release: one write of template, traffic and record.

IAM: run.services.get/update and run.revisions.get on the managed services, roles/iam.serviceAccountUser on their
identities, roles/artifactregistry.reader on the images, reading the ledger, the freeze, the assets bucket and
what Container Analysis knows of an image, roles/pubsub.publisher on
rollout-events, deploy-requests and rejected-events.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("canary_deploy", handle, GoogleCloud)


@functions_framework.http
def canary_deploy(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
