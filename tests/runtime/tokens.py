"""Push tokens as Pub/Sub makes them, signed with a local cloud's key."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

KEY = "local-key"
AUDIENCE = "http://127.0.0.1:9000"
EMAIL = "push@demo.iam.gserviceaccount.com"


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(now: datetime, *, key: str = KEY, alg: str = "HS256", **claims: Any) -> str:
    payload = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "email": EMAIL,
        "email_verified": True,
        "iat": now.timestamp(),
        "exp": (now + timedelta(hours=1)).timestamp(),
        **claims,
    }
    body = f"{_part({'alg': alg, 'typ': 'JWT'})}.{_part(payload)}"
    signature = hmac.new(key.encode(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
