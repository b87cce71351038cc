"""Only Pub/Sub, for this function, now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import Unauthenticated
from shared.runtime.caller import Caller, InvalidCallerSettings
from tests.runtime.tokens import AUDIENCE, EMAIL, KEY, token

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SETTINGS = {"PUSH_AUDIENCE": AUDIENCE, "PUSH_CALLER": f"other@x, {EMAIL}", "PUSH_TOKEN_KEY": KEY}
LOCAL = Caller.from_environment(SETTINGS)
ON_CLOUD_RUN = Caller.from_environment({"PUSH_AUDIENCE": AUDIENCE, "PUSH_CALLER": EMAIL, "K_SERVICE": "auto-rollback"})


def test_a_token_made_for_this_function_by_a_push_account_passes() -> None:
    LOCAL.check(f"Bearer {token(NOW)}", NOW)


def test_on_cloud_run_the_front_end_has_verified_and_removed_the_signature() -> None:
    head, payload, _ = token(NOW, alg="RS256").split(".")
    ON_CLOUD_RUN.check(f"Bearer {head}.{payload}.SIGNATURE_REMOVED_BY_GOOGLE", NOW)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": AUDIENCE + "/other"}, "aud"),
        ({"email": "somebody@else"}, "email"),
        ({"email_verified": "true"}, "email"),
        ({"iat": (NOW + timedelta(minutes=5)).timestamp()}, "iat"),
        ({"iat": None}, "iat"),
        ({"exp": (NOW - timedelta(minutes=5)).timestamp()}, "exp"),
        ({"exp": "later"}, "exp"),
        ({"key": "another-key"}, "signature"),
        ({"alg": "none"}, "alg"),
        ({"alg": "RS256"}, "alg"),
    ],
)
def test_any_other_token_is_refused_with_its_reason(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unauthenticated, match=f"^{reason}:"):
        LOCAL.check(f"Bearer {token(NOW, **claims)}", NOW)


@pytest.mark.parametrize(
    "header", ["", "Basic x", "Bearer x", "Bearer a.b", "Bearer a.b.c", "Bearer e30.W10.x", "Bearer é.é.é"]
)
def test_what_is_no_token_is_refused(header: str) -> None:
    for caller in (LOCAL, ON_CLOUD_RUN):
        with pytest.raises(Unauthenticated):
            caller.check(header, NOW)


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({**SETTINGS, "PUSH_AUDIENCE": ""}, "PUSH_AUDIENCE"),
        ({**SETTINGS, "PUSH_CALLER": ""}, "PUSH_CALLER"),
        ({**SETTINGS, "PUSH_TOKEN_KEY": ""}, "PUSH_TOKEN_KEY"),
        ({**SETTINGS, "K_SERVICE": "auto-rollback"}, "PUSH_TOKEN_KEY"),
    ],
)
def test_a_function_that_does_not_know_its_callers_does_not_start(settings: dict[str, str], variable: str) -> None:
    with pytest.raises(InvalidCallerSettings, match=variable):
        Caller.from_environment(settings)
