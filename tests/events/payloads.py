"""Real payloads as messages."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.events.message import Message

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_DATA = Path(__file__).parents[1] / "data" / "events"


def payload(name: str) -> Any:
    return json.loads((_DATA / f"{name}.json").read_text())


def message(body: Any, topic: str = "any", attributes: dict[str, str] | None = None) -> Message:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(id="1", topic=topic, published_at=NOW, data=data, attributes=attributes or {})
