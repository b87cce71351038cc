"""What is asked of a restored database in one query, and what the answer means.

Cloud SQL writes the rows of one query as CSV; no connection to the database is needed.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from shared.errors import InvalidRecord

# A table of an extension is made by the extension and not by the dump.
_TABLES: Final = (
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_' AND NOT EXISTS "
    "(SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass "
    "AND d.objid = c.oid AND d.deptype = 'e')"
)
TABLES_QUERY: Final = f"SELECT count(*) {_TABLES}"
"""How many tables there are: 0 in a database that nothing was restored into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """rows: by table, as the dump names it; newest: the time of the newest row, where it was asked for."""

    rows: Mapping[str, int]
    newest: datetime | None = None
    checks: Mapping[str, bool] = field(default_factory=dict)


def query(tables: Iterable[str], newest_row: str, checks: Mapping[str, str]) -> str:
    """tables: as a dump names them, hence quoted already; newest_row, checks: SQL with one value each, or ""."""
    parts = [f"SELECT 'table', pg_catalog.format('%I.%I', n.nspname, c.relname), '' {_TABLES}"]
    parts += [f"SELECT 'rows', {_literal(table)}, count(*)::text FROM ONLY {table}" for table in sorted(tables)]  # noqa: S608  quoted
    if newest_row:
        parts.append(f"SELECT 'newest', '', extract(epoch FROM ({newest_row}))::text")  # noqa: S608  configured
    parts += [f"SELECT 'check', {_literal(name)}, (({sql})::boolean)::text" for name, sql in sorted(checks.items())]
    return " UNION ALL ".join(parts)


def read(answer: bytes) -> Restored:
    """Of the CSV that `query` leads to. A table nobody asked for has 0 rows. Raises InvalidRecord."""
    rows: dict[str, int] = {}
    checks: dict[str, bool] = {}
    unknown: list[str] = []
    newest = None
    try:
        for kind, name, value in csv.reader(io.StringIO(answer.decode())):
            match kind:
                case "table":
                    rows.setdefault(name, 0)
                case "rows":
                    rows[name] = int(value)
                case "newest":
                    newest = datetime.fromtimestamp(float(value), UTC) if value else None
                case "check":
                    checks[name] = value == "true"
                case _:
                    unknown.append(kind)
    except (ValueError, OverflowError, csv.Error) as error:
        raise InvalidRecord(f"the restored database's answer cannot be read: {error}") from error
    if unknown:
        raise InvalidRecord(f"the restored database's answer has rows of {unknown[0]}, which nobody asked for")
    return Restored(rows=rows, newest=newest, checks=checks)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
