"""Writes every announcement to the ledger, once, and tells people.

IAM: creating and reading objects of the ledger, roles/pubsub.publisher on rejected-events.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("notify", handle, GoogleCloud)


@functions_framework.http
def notify(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
