"""Restores the newest verified export into a throw-away instance once a week, and proves what it restored.

IAM: cloudsql.instances.create, delete, export, import and cloudsql.databases.create on instances named drill-… alone,
cloudsql.instances.get and list, reading the locked bucket, creating and reading in the drill bucket and the ledger,
setting the drill bucket's policy (each new instance has an account of its own), roles/pubsub.publisher on
rollout-events and rejected-events.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("restore_drill", handle, GoogleCloud)


@functions_framework.http
def restore_drill(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
