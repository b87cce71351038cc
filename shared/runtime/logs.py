"""JSON lines on standard output, as Cloud Logging reads them: a dotted event name with fields, never a payload.

https://cloud.google.com/logging/docs/structured-logging
"""

import json
import sys
from contextvars import ContextVar

TEXT_MAX = 4000  # characters of one field
_trace: ContextVar[str] = ContextVar("trace", default="")


def follow(trace: str, project: str) -> None:
    """The lines of this request belong to this trace. trace: a traceparent or X-Cloud-Trace-Context header."""
    parts = trace.split("-") if "-" in trace else trace.split("/")
    name = parts[1] if "-" in trace and len(parts) > 1 else parts[0]
    _trace.set(f"projects/{project}/traces/{name}" if name else "")


def log(event: str, severity: str = "INFO", **fields: object) -> None:
    """One line; severity is one of Cloud Logging's."""
    fields = {name: clipped(value) if isinstance(value, str) else value for name, value in fields.items()}
    line: dict[str, object] = {"severity": severity, "message": fields.pop("text", event), "event": event, **fields}
    if trace := _trace.get():
        line["logging.googleapis.com/trace"] = trace
    text = json.dumps(line, default=str, ensure_ascii=False)
    sys.stdout.write(text.encode(errors="backslashreplace").decode() + "\n")
    sys.stdout.flush()


def clipped(text: str) -> str:
    """What came from outside may be megabytes; Cloud Logging drops a line of more than 256 KiB."""
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}… ({len(text):,} characters)"
