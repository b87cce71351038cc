"""Turns Cloud Build's messages (topic cloud-builds) into deploy requests or reports.

IAM: roles/pubsub.publisher on deploy-requests, rollout-events and rejected-events.
"""

from functools import partial

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

PORTS = ("messages",)
_door = open_door("build_finished", handle, partial(GoogleCloud, *PORTS))


@functions_framework.http
def build_finished(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
