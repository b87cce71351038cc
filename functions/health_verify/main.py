"""Measures every service that has something to do and publishes verdicts; it may not write.

IAM: run.services.get and run.revisions.get on the managed services, roles/run.invoker on them for probes,
roles/monitoring.viewer, roles/storage.objectViewer on the ledger, roles/pubsub.publisher on verdicts and
rejected-events. Nobody else may publish verdicts.
"""

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from shared.runtime.door import open_door
from shared.runtime.wiring import GoogleCloud

from .handler import handle

_door = open_door("health_verify", handle, GoogleCloud)


@functions_framework.http
def health_verify(request: Request) -> ResponseReturnValue:
    """The entry point Cloud Run functions calls for every push."""
    return _door(request)
