"""Revisions of a service: made from its template, pending, then ready or failed for ever."""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from google.cloud.run_v2.types import condition as conditions
from google.cloud.run_v2.types import revision as revisions
from google.cloud.run_v2.types import service as services

Condition = conditions.Condition
State = Condition.State
SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz"
READY = "Ready"
FAILED_REASON = Condition.RevisionReason.HEALTH_CHECK_CONTAINER_ERROR
MISSING_REASON = Condition.CommonReason.CONTAINER_MISSING


def new_name(service: str, number: int) -> str:
    """As Cloud Run names them: the template's number and three letters, never given twice."""
    return f"{service}-{number:05d}-{''.join(secrets.choice(SUFFIX_LETTERS) for _ in range(3))}"


def new_revision(service: services.Service, name: str) -> revisions.Revision:
    """Of the service's current template; not ready yet."""
    template = service.template
    created = now()
    return revisions.Revision(
        name=f"{service.name}/revisions/{name}",
        uid=str(uuid.uuid4()),
        generation=1,
        labels=template.labels,
        annotations=template.annotations,
        create_time=created,
        update_time=created,
        launch_stage=service.launch_stage,
        service=service.name.rpartition("/")[2],
        scaling=template.scaling,
        max_instance_request_concurrency=template.max_instance_request_concurrency,
        timeout=template.timeout,
        service_account=template.service_account,
        containers=template.containers,
        session_affinity=template.session_affinity,
        reconciling=True,
        conditions=[ready_condition(State.CONDITION_RECONCILING)],
        etag=new_etag(),
    )


def settle_revision(revision: revisions.Revision, *, problem: str = "", missing: bool = False) -> None:
    """Ready, or failed with the problem. missing: because its image does not exist."""
    if not problem:
        ready = ready_condition(State.CONDITION_SUCCEEDED)
    elif missing:
        ready = ready_condition(State.CONDITION_FAILED, message=problem, reason=MISSING_REASON)
    else:
        ready = ready_condition(State.CONDITION_FAILED, message=problem, revision_reason=FAILED_REASON)
    revision.conditions = [ready]
    revision.reconciling = False
    revision.observed_generation = revision.generation
    revision.update_time = now()
    revision.etag = new_etag()


def state_of(revision: revisions.Revision) -> int:
    """Of its Ready condition: a value of State."""
    return next(row.state for row in revision.conditions if row.type_ == READY)


def ready_condition(state: int, **details: object) -> conditions.Condition:
    """details: message, and reason or revision_reason."""
    return Condition(type_=READY, state=state, last_transition_time=now(), **details)


def now() -> Any:
    """For a field of a message; their stubs do not tell that it takes a datetime."""
    return datetime.now(UTC)


def new_etag() -> str:
    return f'"{secrets.token_urlsafe(12)}"'
