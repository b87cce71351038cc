"""Requests of our own to a revision's tagged URL, over the standard library."""

import http.client
import time
from urllib.parse import urlsplit

from shared.adapters.identity import identity_token
from shared.analysis.evidence import Probe, ProbeOutcome

PROBE_SECONDS = 5.0
BODY_MAX = 1 << 20  # bytes read of an answer
USER_AGENT = "pushnchat-probe/1"


class HttpProber:
    """One GET, no redirects followed; on https with an identity token, as the service's own callers need one."""

    def probe(self, uri: str, revision: str, path: str) -> Probe:
        """The outcome says what went wrong; nothing the revision does is raised."""
        parts = urlsplit(uri)
        started = time.monotonic()
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(parts.netloc, timeout=PROBE_SECONDS)
        try:
            headers = {"User-Agent": USER_AGENT}
            if secure:
                headers["Authorization"] = f"Bearer {identity_token(uri)}"
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read(BODY_MAX)
        except (OSError, http.client.HTTPException) as error:
            return Probe(
                revision=revision,
                path=path,
                outcome=ProbeOutcome.FAILED,
                reason=f"no answer: {error or type(error).__name__}",
                latency_ms=(time.monotonic() - started) * 1000,
            )
        finally:
            connection.close()
        passed = 200 <= response.status < 300
        return Probe(
            revision=revision,
            path=path,
            outcome=ProbeOutcome.PASSED if passed else ProbeOutcome.FAILED,
            reason=f"status {response.status}",
            status=response.status,
            latency_ms=(time.monotonic() - started) * 1000,
            bytes_received=len(body),
        )
