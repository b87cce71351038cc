"""Moves traffic forward, or holds, on a verdict it has no say in.

IAM: run.services.get/update and run.revisions.get on the managed services, roles/iam.serviceAccountUser on their
identities, reading the ledger and the freeze, roles/pubsub.publisher on rollout-events, deploy-requests and
rejected-events.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("traffic_shift", handle, GoogleCloud)


@functions_framework.http
def traffic_shift(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
