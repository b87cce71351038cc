"""The OIDC token Pub/Sub sends with a push, signed with a shared key instead of Google's.

Claims: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions#jwt_format
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

LIFETIME = timedelta(hours=1)
ISSUER = "https://accounts.google.com"


def push_token(key: bytes, *, email: str, audience: str, now: datetime) -> str:
    """A JWT (HS256) that says: this push is for `audience`, sent as the service account `email`."""
    issued = int(now.timestamp())
    subject = _account_number(email)
    claims = {
        "aud": audience,
        "azp": subject,
        "email": email,
        "email_verified": True,
        "exp": issued + int(LIFETIME.total_seconds()),
        "iat": issued,
        "iss": ISSUER,
        "sub": subject,
    }
    signed = f"{_part({'alg': 'HS256', 'kid': 'local-cloud', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def _account_number(email: str) -> str:
    """Service accounts have a 21-digit number; here the e-mail alone decides it."""
    return str(10**20 + int.from_bytes(hashlib.sha256(email.encode()).digest()[:8]))


def _part(content: Mapping[str, object]) -> str:
    return _base64url(json.dumps(content, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
