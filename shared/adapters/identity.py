"""The identity of the function itself, as a token for one audience, from the metadata server.

https://cloud.google.com/run/docs/authenticating/service-to-service
"""

import http.client
import os
from urllib.parse import quote, urlsplit

METADATA_SECONDS = 3.0


def identity_token(uri: str) -> str:
    """A signed token whose audience is the URL's origin. Raises OSError when the metadata server does not answer."""
    parts = urlsplit(uri)
    audience = quote(f"{parts.scheme}://{parts.netloc}", safe="")
    host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
    connection = http.client.HTTPConnection(host, timeout=METADATA_SECONDS)
    try:
        connection.request(
            "GET",
            f"/computeMetadata/v1/instance/service-accounts/default/identity?audience={audience}",
            headers={"Metadata-Flavor": "Google"},
        )
        response = connection.getresponse()
        token = response.read().decode()
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise OSError(f"the metadata server answered {response.status}")
    return token
