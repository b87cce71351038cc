"""What is known of one database's exports: one entry per object, and which of them may be relied on."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.backup.acceptance import Acceptance
from shared.backup.dump import DumpReport
from shared.backup.faults import ACCEPTABLE, Fault, FaultKind
from shared.backup.names import ExportName
from shared.backup.source import Counted
from shared.errors import InvalidRecord
from shared.values import value

VERSION: Final = 1


@value
class Entry:
    """One export that was read to its end.

    generation and crc32c (base64) pin the very bytes that were read; verified_at: when the reading ended; asked_at:
    when its operation was asked for: what was committed before is in it; None when no operation wrote it; source: what
    the database had before, where it was counted; acceptance: a person's word for what it lacks.
    """

    name: ExportName
    bucket: str
    generation: int
    crc32c: str
    verified_at: datetime
    report: DumpReport
    asked_at: datetime | None = None
    source: Counted | None = None
    acceptance: Acceptance | None = None

    @property
    def good(self) -> bool:
        return not self.report.faults or (self.acceptance is not None and self.acceptable)

    @property
    def acceptable(self) -> bool:
        """Whether the file is whole, and what is wrong with it may have been done on purpose."""
        return all(fault.kind in ACCEPTABLE for fault in self.report.faults)

    @property
    def data_of(self) -> datetime:
        """What was committed before this moment is in it."""
        return self.asked_at or self.name.night


def good_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Those that may be relied on, oldest night first."""
    return sorted((entry for entry in entries if entry.good), key=lambda entry: (entry.name.mark, entry.verified_at))


def baseline(entries: Iterable[Entry]) -> list[DumpReport]:
    """What the next export is compared with, oldest first: nothing from before the last one that a person accepted."""
    reports: list[DumpReport] = []
    for entry in good_entries(entries):
        if entry.acceptance is not None:
            reports.clear()
        reports.append(entry.report)
    return reports


def fresh(entry: Entry | None, now: datetime, age_max: timedelta) -> bool:
    """Whether a verified export of a night at most `age_max` ago exists: the dead man's switch, and a release's gate.

    An export of the future is not fresh: a clock or a name is wrong.
    """
    return entry is not None and timedelta() <= now - entry.name.night <= age_max


def encode(entry: Entry) -> bytes:
    """JSON; `decode` of it is the same entry."""
    report = entry.report
    body: dict[str, Any] = {
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
    if entry.asked_at is not None:
        body["asked_at"] = entry.asked_at.isoformat()
    if entry.source is not None:
        newest = entry.source.newest
        body["source"] = {
            "at": entry.source.at.isoformat(),
            "rows": dict(entry.source.rows),
            "newest": None if newest is None else newest.isoformat(),
        }
    if entry.acceptance is not None:
        body["accepted"] = entry.acceptance.body()
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
        verified_at=_moment(body["verified_at"]),
        asked_at=_moment(body["asked_at"]) if "asked_at" in body else None,
        source=_counted(body["source"]) if "source" in body else None,
        acceptance=Acceptance.of(body["accepted"]) if "accepted" in body else None,
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


def _counted(body: Any) -> Counted:
    newest = body["newest"]
    return Counted(
        at=_moment(body["at"]),
        rows={table: int(rows) for table, rows in body["rows"].items()},
        newest=None if newest is None else _moment(newest),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
