"""What is known of one database's exports: one entry per object, and which of them may be relied on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.backup.dump import DumpReport
from shared.backup.faults import Fault, FaultKind
from shared.backup.names import ExportName
from shared.errors import InvalidRecord

VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One export that was read to its end.

    generation and crc32c (base64) pin the very bytes that were read; verified_at: when the reading ended.
    """

    name: ExportName
    bucket: str
    generation: int
    crc32c: str
    verified_at: datetime
    report: DumpReport

    @property
    def good(self) -> bool:
        return not self.report.faults


def good_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Those that may be relied on, oldest night first."""
    return sorted((entry for entry in entries if entry.good), key=lambda entry: (entry.name.night, entry.verified_at))


def fresh(entry: Entry | None, now: datetime, age_max: timedelta) -> bool:
    """Whether a verified export of a night at most `age_max` ago exists: the dead man's switch, and a release's gate.

    An export of the future is not fresh: a clock or a name is wrong.
    """
    return entry is not None and timedelta() <= now - entry.name.night <= age_max


def encode(entry: Entry) -> bytes:
    """JSON; `decode` of it is the same entry."""
    report = entry.report
    body = {
        "v": VERSION,
        "key": entry.name.key,
        "bucket": entry.bucket,
        "generation": entry.generation,
        "crc32c": entry.crc32c,
        "verified_at": entry.verified_at.isoformat(),
        "good": entry.good,
        "compressed_size": report.compressed_size,
        "raw_size": report.raw_size,
        "server_version": report.server_version,
        "tool_version": report.tool_version,
        "rows": dict(report.rows),
        "extensions": list(report.extensions),
        "faults": [{"kind": fault.kind.value, "text": fault.text} for fault in report.faults],
    }
    return json.dumps(body, indent=1).encode()


def decode(data: bytes) -> Entry:
    """Raises InvalidRecord."""
    try:
        return _entry(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise InvalidRecord(f"the catalogue entry cannot be read: {type(error).__name__}: {error}") from error


def _entry(body: Any) -> Entry:
    if body["v"] != VERSION:
        raise ValueError(f"this version reads {VERSION}, not {body['v']}")
    name = ExportName.parse(body["key"])
    if name is None:
        raise ValueError(f"{body['key']} names no export")
    return Entry(
        name=name,
        bucket=body["bucket"],
        generation=int(body["generation"]),
        crc32c=body["crc32c"],
        verified_at=datetime.fromisoformat(body["verified_at"]).astimezone(UTC),
        report=DumpReport(
            compressed_size=int(body["compressed_size"]),
            raw_size=int(body["raw_size"]),
            server_version=body["server_version"],
            tool_version=body["tool_version"],
            rows={table: int(rows) for table, rows in body["rows"].items()},
            extensions=tuple(body["extensions"]),
            faults=tuple(Fault(kind=FaultKind(row["kind"]), text=row["text"]) for row in body["faults"]),
        ),
    )
