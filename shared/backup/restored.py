"""What is asked of a restored database in one query, and what the answer means.

Cloud SQL writes the rows of one query as CSV; no connection to the database is needed.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Final

from shared.errors import InvalidRecord
from shared.values import value

_OF_EXTENSION: Final = (
    "EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass "
    "AND d.objid = c.oid AND d.deptype = 'e')"
)
_RELATIONS: Final = (
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'"
)
_NAME: Final = "pg_catalog.format('%I.%I', n.nspname, c.relname)"
# A table of an extension is made and filled by the extension; the dump has at most what was added to it.
_TABLES: Final = f"{_RELATIONS} AND c.relkind = 'r' AND NOT {_OF_EXTENSION}"
_MEMBERS: Final = f"{_RELATIONS} AND c.relkind = 'r' AND {_OF_EXTENSION}"
OBJECTS_QUERY: Final = (
    f"SELECT count(*) {_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT {_OF_EXTENSION}"
)
"""How many tables, views and sequences there are: 0 in a database that nothing was restored into."""


@value
class Restored:
    """rows: by table, as the dump names it; newest: the time of the newest row, where it was asked for.

    members: tables that belong to an extension, which fills them by itself.
    """

    rows: Mapping[str, int]
    newest: datetime | None = None
    checks: Mapping[str, bool] = field(default_factory=dict)
    members: frozenset[str] = frozenset()


def source_query(newest_row: str) -> str:
    """Every table's rows and the newest one, at one moment, of a database whose tables nobody knows beforehand.

    `ts_stat` is the one function of every PostgreSQL that takes a query as a text: here one whose only word is a count.
    """
    tables = f"SELECT {_NAME} AS name {_TABLES}"
    counted = "SELECT array_to_tsvector(ARRAY[count(*)::text]) FROM ONLY %s"
    each = f"LATERAL pg_catalog.ts_stat(pg_catalog.format('{counted}', t.name)) s"
    rows = f"SELECT 'rows', t.name, s.word FROM ({tables}) t, {each}"  # noqa: S608  nobody's text is in it
    return " UNION ALL ".join([rows, *_newest(newest_row)])


def query(tables: Iterable[str], newest_row: str, checks: Mapping[str, str]) -> str:
    """tables: as a dump names them, hence quoted already; newest_row, checks: SQL with one value each, or ""."""
    parts = [f"SELECT 'table', {_NAME}, '' {_TABLES}", f"SELECT 'member', {_NAME}, '' {_MEMBERS}"]
    parts += [f"SELECT 'rows', {_literal(table)}, count(*)::text FROM ONLY {table}" for table in sorted(tables)]  # noqa: S608  quoted
    parts += _newest(newest_row)
    parts += [f"SELECT 'check', {_literal(name)}, (({sql})::boolean)::text" for name, sql in sorted(checks.items())]
    return " UNION ALL ".join(parts)


def read(answer: bytes) -> Restored:
    """Of the CSV that `query` or `source_query` leads to. A table nobody asked for has 0 rows. Raises InvalidRecord."""
    rows: dict[str, int] = {}
    checks: dict[str, bool] = {}
    members: set[str] = set()
    unknown: list[str] = []
    newest = None
    try:
        for kind, name, value in csv.reader(io.StringIO(answer.decode())):
            match kind:
                case "table":
                    rows.setdefault(name, 0)
                case "rows":
                    rows[name] = int(value)
                case "member":
                    members.add(name)
                case "newest":
                    newest = datetime.fromtimestamp(float(value), UTC) if value else None
                case "check":
                    checks[name] = value == "true"
                case _:
                    unknown.append(kind)
    except (ValueError, OverflowError, OSError, csv.Error) as error:
        raise InvalidRecord(f"the database's answer cannot be read: {error}") from error
    if unknown:
        raise InvalidRecord(f"the database's answer has rows of {unknown[0]}, which nobody asked for")
    rows = {table: count for table, count in rows.items() if table not in members}
    return Restored(rows=rows, newest=newest, checks=checks, members=frozenset(members))


def _newest(newest_row: str) -> list[str]:
    return [f"SELECT 'newest', '', extract(epoch FROM ({newest_row}))::text"] if newest_row else []  # noqa: S608  configured


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
