"""What Cloud Run writes to the audit log's system events, as a Logging sink exports it to Pub/Sub.

https://cloud.google.com/run/docs/audit-logging
"""

import json
import uuid
from datetime import UTC, datetime

from scripts.local_cloud.contracts import PROJECT, REGION


def revision_changed(service: str, revision: str, *, problem: str = "") -> tuple[bytes, dict[str, str]]:
    """Data and attributes of the message that tells a revision became ready, or did not because of the problem."""
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    status, text = ("False", problem) if problem else ("True", "Deploying revision succeeded.")
    entry = {
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "status": {
                "message": f"Ready condition status changed to {status} for Revision {revision} with message: {text}"
            },
            "serviceName": "run.googleapis.com",
            "methodName": "/InternalServices.ReplaceInternalService",
            "resourceName": f"namespaces/{PROJECT}/revisions/{revision}",
        },
        "insertId": uuid.uuid4().hex[:12],
        "resource": {
            "type": "cloud_run_revision",
            "labels": {
                "configuration_name": service,
                "location": REGION,
                "project_id": PROJECT,
                "revision_name": revision,
                "service_name": service,
            },
        },
        "timestamp": now,
        "severity": "ERROR" if problem else "INFO",
        "logName": f"projects/{PROJECT}/logs/cloudaudit.googleapis.com%2Fsystem_event",
        "receiveTimestamp": now,
    }
    return json.dumps(entry).encode(), {"logging.googleapis.com/timestamp": now}
