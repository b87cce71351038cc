"""Reads every finished export to its end and says whether it is good; on each check, what is missing, late or unread.

IAM: reading the landing bucket (it reads the chats it verifies), creating and reading in the locked bucket and in the
ledger, cloudsql.instances.get and list, cloudsql.backupRuns.list, roles/pubsub.publisher on rollout-events and
rejected-events. It may delete nothing.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("backup_verify", handle, GoogleCloud)


@functions_framework.http
def backup_verify(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
