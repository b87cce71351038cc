"""A drill's report as a page for people, in Markdown."""

from collections.abc import Iterable, Mapping

from shared.backup.drill_report import DrillReport
from shared.backup.spans import in_words

_STEPS = {"create": "make the instance", "create_database": "make the database", "import": "import the dump"}


def page(report: DrillReport) -> str:
    """First whether it passed, then what it is about, how long, and every table."""
    name, export = report.name, report.export
    lines = [
        f"# Restore drill of {name.database} on {name.instance}, {name.started_at:%-d %B %Y %H:%M} UTC",
        "",
        _verdict(report),
        *(["", *(f"- {problem}" for problem in report.problems)] if report.problems else []),
        "",
        "| what was restored | |",
        "|---|---|",
        f"| export | `{export.name.key}` |",
        f"| what was committed before | {export.data_of:%-d %B %Y %H:%M:%S} UTC is in it |",
        f"| PostgreSQL | {export.report.server_version}, dumped by pg_dump {export.report.tool_version} |",
        f"| size | {export.report.compressed_size:,} bytes, {export.report.raw_size:,} of SQL |",
        f"| restored into | `{name.throw_away}`, which is deleted after this report |",
        "",
        "| | measured | at most |",
        "|---|--:|--:|",
        *_figures(report),
    ]
    if report.restored is not None:
        lines += ["", "| table | at the source before | in the file | restored | |", "|---|--:|--:|--:|---|"]
        lines += _tables(report)
    if report.checks:
        lines += ["", "| check of the application | |", "|---|---|"]
        lines += [
            f"| {_cell(check)} | {'true' if kept else '**not true**'} |"
            for check, kept in sorted(report.checks.items())
        ]
    return "\n".join(lines) + "\n"


def _verdict(report: DrillReport) -> str:
    if report.restored is None:
        return "**It failed**, and nothing was compared."
    own = {table: rows for table, rows in report.restored.rows.items() if table not in report.restored.members}
    rows = sum(own.values())
    if report.passed:
        return f"**It passed**: {rows:,} rows in {len(own)} tables were restored and are all there."
    return f"**It failed**: {rows:,} rows were restored."


def _figures(report: DrillReport) -> Iterable[str]:
    """Only what was measured: a restore that broke off took no time that means anything."""
    measured, promised = report.measured, report.objectives
    known = report.restored is not None
    loss, recovery = (in_words(measured.loss), in_words(measured.recovery)) if known else ("unknown", "unknown")
    yield f"| data that would have been lost (RPO) | {loss} | {in_words(promised.recovery_point)} |"
    yield f"| time to restore (RTO) | {recovery} | {in_words(promised.recovery_time)} |"
    for step, taken in measured.steps.items():
        yield f"| of it: {_STEPS.get(step, step)} | {in_words(taken)} | |"
    if report.newest_age is not None:
        yield f"| age of the newest row when exported: how quiet it was | {in_words(report.newest_age)} | |"


def _tables(report: DrillReport) -> Iterable[str]:
    assert report.restored is not None
    in_file, rows = report.export.report.rows, report.restored.rows
    before = report.export.source.rows if report.export.source else {}
    for table in sorted((in_file.keys() | rows.keys()) - report.restored.members):
        counts = (_count(before, table, "not counted"), _count(in_file, table, "none"), _count(rows, table, "none"))
        same = "equal" if in_file.get(table) == rows.get(table) else "**differs**"
        yield f"| {_cell(table)} | {' | '.join(counts)} | {same} |"


def _count(rows: Mapping[str, int], table: str, otherwise: str) -> str:
    return f"{rows[table]:,}" if table in rows else otherwise


def _cell(text: str) -> str:
    """A name may hold what ends a cell or a line."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
