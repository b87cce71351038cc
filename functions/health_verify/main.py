"""Measures every service that has something to do and publishes verdicts; it may not write.

IAM: run.services.get and run.revisions.get on the managed services, reading metrics, the ledger and the freeze,
roles/pubsub.publisher on verdicts and rejected-events. Nobody else may publish verdicts. Services that check their
invoker need roles/run.invoker for probes as well; those that only the load balancer may reach are called from inside.
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
