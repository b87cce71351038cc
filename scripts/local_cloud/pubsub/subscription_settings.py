"""What a subscription's resource says, checked as the real service checks it."""

from dataclasses import dataclass
from typing import Any

import grpc

from scripts.local_cloud.gapic.table import Fail
from scripts.local_cloud.pubsub.backlog import IMMEDIATE, Backoff
from scripts.local_cloud.pubsub.filters import InvalidFilter, Predicate, parse_filter

ACK_DEADLINE_SECONDS = (10, 600)
DELIVERY_ATTEMPTS = (5, 100)
BACKOFF_SECONDS_MAX = 600.0
RETRY_POLICY_SECONDS = (10.0, 600.0)
PUSH_BACKOFF = Backoff(seconds_min=0.1, seconds_max=60)
"""Push without a retry policy slows down by itself: https://cloud.google.com/pubsub/docs/push#push_backoff"""

_UNSUPPORTED = {
    "bigquery_config",
    "cloud_storage_config",
    "bigtable_config",
    "enable_exactly_once_delivery",
    "message_transforms",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSettings:
    """Empty are `push_endpoint` for pull, `dead_letter_topic` without dead letters, `token_email` without OIDC."""

    name: str
    topic: str
    keeps: Predicate
    ack_deadline_seconds: float
    backoff: Backoff
    ordered: bool
    push_endpoint: str
    token_email: str
    token_audience: str
    dead_letter_topic: str
    attempts_max: int | None


def invalid(message: str) -> Fail:
    return Fail(grpc.StatusCode.INVALID_ARGUMENT, message)


def read_settings(resource: Any, *, ack_deadline_seconds_min: float) -> SubscriptionSettings:
    """Reads a google.pubsub.v1.Subscription (plain protobuf). Raises Fail for what the real service refuses.

    What this one lacks is refused as UNIMPLEMENTED, so that nobody believes it works.
    """
    unsupported = _UNSUPPORTED & {field.name for field, _value in resource.ListFields()}
    if unsupported:
        raise Fail(grpc.StatusCode.UNIMPLEMENTED, f"{', '.join(sorted(unsupported))}: not served here")
    push = resource.push_config
    if push.HasField("no_wrapper"):
        raise Fail(grpc.StatusCode.UNIMPLEMENTED, "no_wrapper is not served here")
    if push.push_endpoint and not push.push_endpoint.startswith(("http://", "https://")):
        raise invalid(f"push_endpoint: not a URL: {push.push_endpoint!r}")
    return SubscriptionSettings(
        name=resource.name,
        topic=resource.topic,
        keeps=_filter(resource.filter),
        ack_deadline_seconds=_ack_deadline(resource.ack_deadline_seconds, ack_deadline_seconds_min),
        backoff=_backoff(resource),
        ordered=resource.enable_message_ordering,
        push_endpoint=push.push_endpoint,
        token_email=push.oidc_token.service_account_email,
        token_audience=push.oidc_token.audience or push.push_endpoint,
        dead_letter_topic=resource.dead_letter_policy.dead_letter_topic,
        attempts_max=_attempts_max(resource),
    )


def _filter(text: str) -> Predicate:
    try:
        return parse_filter(text)
    except InvalidFilter as error:
        raise invalid(f"filter: {error}") from error


def _ack_deadline(seconds: int, seconds_min: float) -> float:
    if seconds and not seconds_min <= seconds <= ACK_DEADLINE_SECONDS[1]:
        raise invalid(f"ack_deadline_seconds: {seconds} is not between {seconds_min:g} and {ACK_DEADLINE_SECONDS[1]}")
    return seconds or ACK_DEADLINE_SECONDS[0]


def _attempts_max(resource: Any) -> int | None:
    if not resource.HasField("dead_letter_policy"):
        return None
    policy = resource.dead_letter_policy
    attempts = int(policy.max_delivery_attempts) or DELIVERY_ATTEMPTS[0]
    if not policy.dead_letter_topic:
        raise invalid("dead_letter_policy: names no topic")
    if not DELIVERY_ATTEMPTS[0] <= attempts <= DELIVERY_ATTEMPTS[1]:
        raise Fail(grpc.StatusCode.OUT_OF_RANGE, f"max_delivery_attempts: {attempts} is not between 5 and 100")
    return attempts


def _backoff(resource: Any) -> Backoff:
    if not resource.HasField("retry_policy"):
        return PUSH_BACKOFF if resource.push_config.push_endpoint else IMMEDIATE
    policy = resource.retry_policy
    low, high = RETRY_POLICY_SECONDS
    if policy.HasField("minimum_backoff"):
        low = policy.minimum_backoff.ToTimedelta().total_seconds()
    if policy.HasField("maximum_backoff"):
        high = policy.maximum_backoff.ToTimedelta().total_seconds()
    if not 0 <= low <= high <= BACKOFF_SECONDS_MAX:
        raise invalid(f"retry_policy: {low:g} s to {high:g} s is not a range within 0 to {BACKOFF_SECONDS_MAX:g} s")
    return Backoff(seconds_min=low, seconds_max=high)
