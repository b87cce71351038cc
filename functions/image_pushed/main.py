"""Turns Artifact Registry's messages (topic gcr) into deploy requests.

IAM: roles/pubsub.publisher on deploy-requests and rejected-events.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("image_pushed", handle, GoogleCloud)


@functions_framework.http
def image_pushed(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
