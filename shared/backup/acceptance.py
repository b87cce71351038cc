"""A person's word that what an export lacks was given up on purpose: who, why and when, entered beside the export."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from shared.errors import InvalidRecord
from shared.values import value

VERSION: Final = 1


@value
class Acceptance:
    """From then on the export is what later ones are compared with."""

    by: str
    why: str
    at: datetime

    def body(self) -> dict[str, str]:
        """JSON-able; `of` reads it."""
        return {"by": self.by, "why": self.why, "at": self.at.isoformat()}

    @classmethod
    def of(cls, body: Any) -> "Acceptance":
        return cls(by=body["by"], why=body["why"], at=datetime.fromisoformat(body["at"]).astimezone(UTC))


def encode(acceptance: Acceptance, key: str, faults: tuple[str, ...]) -> bytes:
    """JSON. key: of the export; faults: the texts that were accepted."""
    return json.dumps({"v": VERSION, **acceptance.body(), "key": key, "faults": list(faults)}, indent=1).encode()


def decode(data: bytes) -> Acceptance:
    """Raises InvalidRecord."""
    try:
        return _word(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRecord(f"the acceptance cannot be read: {type(error).__name__}: {error}") from error


def _word(body: Any) -> Acceptance:
    if body["v"] != VERSION:
        raise ValueError(f"this version reads {VERSION}, not {body['v']}")
    return Acceptance.of(body)
