"""Turns Cloud Build's messages (topic cloud-builds) into deploy requests or reports.

IAM: roles/pubsub.publisher on deploy-requests, rollout-events and rejected-events.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("build_finished", handle, GoogleCloud)


@functions_framework.http
def build_finished(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
