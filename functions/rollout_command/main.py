"""Takes every command but rollback and abort: pause, resume, promote, release_pin, freeze, unfreeze.

IAM: run.services.get/update and run.revisions.get on the managed services, roles/iam.serviceAccountUser on their
identities, reading the ledger, replacing the freeze, roles/pubsub.publisher on rollout-events, deploy-requests and
rejected-events.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("rollout_command", handle, GoogleCloud)


@functions_framework.http
def rollout_command(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
