"""Counts and exports every configured database on Cloud Scheduler's tick or a person's request, and returns at once.

IAM: cloudsql.instances.export on the configured instances, cloudsql.instances.get and list, creating and reading in the
ledger, roles/pubsub.publisher on rollout-events and rejected-events. The instance's own service account writes the
object: it may write to the landing bucket, and this function needs nothing there.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("sql_backup", handle, GoogleCloud)


@functions_framework.http
def sql_backup(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
