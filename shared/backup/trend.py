"""What an export must have, judged by the last verified ones: a dump can be whole and still not be everything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from shared.backup.dump import DumpReport
from shared.backup.faults import Fault, FaultKind
from shared.values import value

COMPARED_MAX: Final = 7  # verified exports looked back at: one odd night does not move their median


@value
class Expectation:
    """What is known about a database besides its dumps.

    append_only: tables that never lose rows; volatile: tables whose rows come and go within minutes; retired: tables a
    migration dropped on purpose; extensions: those a migration added on purpose; rows_min: counted at the source before
    the export began, by table; counted_long_ago: so long that only what never loses rows can be compared with it.
    share_min: of the usual size, and of a table's last rows, below which it has collapsed; small_table_rows: below
    this a table may shrink as it likes from night to night; churn_share, churn_rows: the larger of the two is what a
    table may lose between the count and the export.
    """

    append_only: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    retired: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()
    rows_min: Mapping[str, int] = field(default_factory=dict)
    counted_long_ago: bool = False
    share_min: float = 0.5
    churn_share: float = 0.1
    churn_rows: int = 10
    small_table_rows: int = 100


def trend_faults(report: DumpReport, verified: Sequence[DumpReport], expected: Expectation) -> tuple[Fault, ...]:
    """verified: the reports of earlier good exports, oldest first; the first export ever has none to compare with."""
    faults = [*_source_faults(report, expected)]
    if verified:
        faults += _size_faults(report, verified[-COMPARED_MAX:], expected)
        faults += _table_faults(report, verified[-1], expected)
        faults += _extension_faults(report, verified[-1], expected)
    return tuple(faults)


def _source_faults(report: DumpReport, expected: Expectation) -> Iterable[Fault]:
    for table, rows_min in sorted(expected.rows_min.items()):
        rows = report.rows.get(table)
        if rows is None:
            text = f"{table} is missing; the source had {rows_min} rows of it before the export began"
            yield Fault(kind=FaultKind.BEHIND_SOURCE, text=text)
        elif rows < rows_min - _may_lose(table, rows_min, expected):
            text = f"{table} has {rows} rows; the source had {rows_min} before the export began"
            yield Fault(kind=FaultKind.BEHIND_SOURCE, text=text)


def _may_lose(table: str, rows: int, expected: Expectation) -> float:
    """How many rows an application may delete between the count and the export."""
    if table in expected.append_only:
        return 0
    if table in expected.volatile or expected.counted_long_ago:
        return rows
    return max(expected.churn_rows, rows * expected.churn_share)


def _size_faults(report: DumpReport, verified: Sequence[DumpReport], expected: Expectation) -> Iterable[Fault]:
    usual = _median([earlier.compressed_size for earlier in verified])
    if report.compressed_size < usual * expected.share_min:
        share = report.compressed_size / usual
        text = f"{report.compressed_size} bytes are {share:.0%} of the usual {usual:.0f}"
        yield Fault(kind=FaultKind.SIZE_COLLAPSED, text=text)


def _median(values: Sequence[int]) -> float:
    """`statistics` would take longer to load than a dump of a small database to read."""
    in_order, middle = sorted(values), len(values) // 2
    return (in_order[middle] + in_order[~middle]) / 2


def _table_faults(report: DumpReport, last: DumpReport, expected: Expectation) -> Iterable[Fault]:
    for table, before in sorted(last.rows.items()):
        if table in expected.retired:
            continue
        now = report.rows.get(table)
        if now is None:
            text = f"{table} is missing; the last verified export had {before} rows of it"
            yield Fault(kind=FaultKind.TABLE_MISSING, text=text)
        elif now < before and table in expected.append_only:
            text = f"{table} only ever grows, and has {now} rows after {before}{_whose(table, before, expected)}"
            yield Fault(kind=FaultKind.ROWS_LOST, text=text)
        elif table in expected.volatile:
            continue
        elif before >= expected.small_table_rows and now < before * expected.share_min:
            yield Fault(kind=FaultKind.ROWS_LOST, text=f"{table} fell from {before} rows to {now}")


def _whose(table: str, before: int, expected: Expectation) -> str:
    """Which of the two files is in doubt, where the source was counted."""
    counted = expected.rows_min.get(table, before)
    if counted >= before:
        return ""
    return f"; the source itself had {counted}: it lost rows, or the export before has some that it never had"


def _extension_faults(report: DumpReport, last: DumpReport, expected: Expectation) -> Iterable[Fault]:
    for name in sorted(set(report.extensions) - set(last.extensions) - expected.extensions):
        text = f"it needs the extension {name}, which no verified export needed: a restore may fail on it"
        yield Fault(kind=FaultKind.UNKNOWN_EXTENSION, text=text)
