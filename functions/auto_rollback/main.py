"""Puts all traffic back on the last good revision: on a bad verdict, an alert, or a person's word.

IAM: run.services.get/update and run.revisions.get on the managed services, roles/iam.serviceAccountUser on their
identities, reading the ledger, roles/pubsub.publisher on rollout-events and rejected-events.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("auto_rollback", handle, GoogleCloud)


@functions_framework.http
def auto_rollback(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
