"""Who may call a function: the push token that Pub/Sub signs, checked with the standard library alone.

https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
On Cloud Run the front end has verified the signature and replaced it before we see the token; what is left to check is
whom it was made for and by. A local cloud has no front end: it shares a key, and the signature is verified here.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.errors import DeliveryError, Unauthenticated
from shared.values import value

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
LEEWAY = timedelta(seconds=30)  # between our clock and the issuer's


class InvalidCallerSettings(DeliveryError):
    """The function's environment does not say who may call; it must not start."""


@value
class Caller:
    """audience: this function's bare URL; emails: the accounts push subscriptions use; key: of a local cloud."""

    audience: str
    emails: frozenset[str]
    key: bytes = b""
    front_end: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Caller":
        """Raises InvalidCallerSettings, naming the variable."""
        audience, emails = environ.get("PUSH_AUDIENCE", ""), environ.get("PUSH_CALLER", "")
        key, front_end = environ.get("PUSH_TOKEN_KEY", ""), bool(environ.get("K_SERVICE"))
        if not audience:
            raise InvalidCallerSettings("PUSH_AUDIENCE: must be this function's URL")
        if not emails:
            raise InvalidCallerSettings("PUSH_CALLER: must name the push subscriptions' accounts")
        if bool(key) is front_end:
            raise InvalidCallerSettings("PUSH_TOKEN_KEY: is for a local cloud, and needed there; K_SERVICE says which")
        return cls(
            audience=audience,
            emails=frozenset(email.strip() for email in emails.split(",")),
            key=key.encode(),
            front_end=front_end,
        )

    def check(self, authorization: str, now: datetime) -> None:
        """Raises Unauthenticated with the reason."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or token.count(".") != 2:
            raise Unauthenticated("no bearer token")
        head, payload, signature = token.split(".")
        if not self.front_end:
            self._check_signature(head, payload, signature)
        claims = _part(payload)
        if claims.get("iss") not in ISSUERS:
            raise Unauthenticated("iss: not Google")
        if claims.get("aud") != self.audience:
            raise Unauthenticated("aud: made for another function")
        if claims.get("email") not in self.emails or claims.get("email_verified") is not True:
            raise Unauthenticated("email: not an account that may call")
        issued, expires = claims.get("iat"), claims.get("exp")
        seconds, leeway = now.timestamp(), LEEWAY.total_seconds()
        if not isinstance(issued, int | float) or issued > seconds + leeway:
            raise Unauthenticated("iat: not issued yet")
        if not isinstance(expires, int | float) or expires < seconds - leeway:
            raise Unauthenticated("exp: expired")

    def _check_signature(self, head: str, payload: str, signature: str) -> None:
        if _part(head).get("alg") != "HS256":
            raise Unauthenticated("alg: must be HS256 in a local cloud")
        expected = hmac.new(self.key, f"{head}.{payload}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(expected, _bytes(signature)):
            raise Unauthenticated("signature: wrong")


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part.encode() + b"=" * (-len(part) % 4))
    except ValueError as error:
        raise Unauthenticated("token: not base64") from error


def _part(part: str) -> dict[str, Any]:
    try:
        claims = json.loads(_bytes(part))
    except (ValueError, RecursionError) as error:
        raise Unauthenticated("token: not JSON") from error
    if not isinstance(claims, dict):
        raise Unauthenticated("token: not an object")
    return claims
