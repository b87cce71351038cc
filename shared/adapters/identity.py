"""The identity of the function itself, as a token for one audience, from the metadata server.

https://cloud.google.com/run/docs/authenticating/service-to-service
"""

import base64
import http.client
import json
import os
import threading
import time
from urllib.parse import urlencode

METADATA_SECONDS = 3.0
_SPARE_SECONDS = 300.0  # a token this close to its end is not used any more
_PATH = "/computeMetadata/v1/instance/service-accounts/default/identity?"


class IdentityTokens:
    """Signed tokens by audience, each fetched once and kept until five minutes before it ends."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def token(self, audience: str) -> str:
        """Raises OSError when the metadata server does not answer, or answers something else."""
        with self._lock:
            token, ends = self._kept.get(audience, ("", 0.0))
            if time.time() >= ends - _SPARE_SECONDS:
                token = _fetched(audience)
                self._kept[audience] = (token, _end(token))
            return token


def _fetched(audience: str) -> str:
    host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
    connection = http.client.HTTPConnection(host, timeout=METADATA_SECONDS)
    try:
        connection.request("GET", _PATH + urlencode({"audience": audience}), headers={"Metadata-Flavor": "Google"})
        response = connection.getresponse()
        token = response.read().decode("ascii", "replace").strip()
    except http.client.HTTPException as error:
        raise OSError(f"the metadata server broke off: {type(error).__name__}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise OSError(f"the metadata server answered {response.status}")
    return token


def _end(token: str) -> float:
    """The `exp` claim, in seconds since 1970; the signature is for the receiver to check."""
    try:
        claims = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise OSError("the metadata server answered something that is no token") from error
