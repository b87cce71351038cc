"""The reference job: deletes messages that are older than they may become, and ends with 0.

DATABASE_URL names the database, RETENTION_DAYS the age (default: 365). Each batch is a transaction of its own, short
enough for people to write meanwhile; what an ended job leaves, the next one finds.
"""

import json
import os
import signal
import sys
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection

BATCH_ROWS = 1000
SECONDS_MAX = 60  # for one batch
TERMINATED = 143
DELETE = """
    DELETE FROM messages WHERE id IN (
        SELECT id FROM messages WHERE sent_at < now() - make_interval(days => :days)
        ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""


def connect(url: str) -> Connection:
    """url: as libpq reads it; `?host=/directory` is the socket in that directory, as Cloud Run mounts it."""
    parts = urlsplit(url)
    (directory,) = parse_qs(parts.query).get("host", [""])
    port = parts.port or 5432
    where = {"unix_sock": f"{directory}/.s.PGSQL.{port}"} if directory else {"host": parts.hostname, "port": port}
    return Connection(
        unquote(parts.username or ""),
        password=unquote(parts.password) if parts.password else None,
        database=parts.path.lstrip("/"),
        timeout=SECONDS_MAX,
        **where,
    )


def delete_old(connection: Connection, days: int) -> int:
    """How many messages were deleted."""
    deleted = 0
    while rows := connection.run(DELETE, days=days, batch=BATCH_ROWS):
        deleted += len(rows)
    return deleted


def say(severity: str, message: str, **fields: object) -> None:
    """A line that Cloud Logging reads."""
    print(json.dumps({"severity": severity, "message": message, "time": datetime.now(UTC).isoformat(), **fields}))


def settings() -> tuple[str, int]:
    """The database's address and the age in days. Raises ValueError."""
    url, days = os.environ.get("DATABASE_URL", ""), int(os.environ.get("RETENTION_DAYS", "365"))
    if not url:
        raise ValueError("DATABASE_URL is not set")
    if days < 1:
        raise ValueError(f"RETENTION_DAYS must be 1 or more, not {days}")
    return url, days


def main() -> int:
    """The exit code: 0 when nothing too old is left."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # the first process is not ended by the signal alone
    try:
        url, days = settings()
        with closing(connect(url)) as connection:
            deleted = delete_old(connection, days)
    except (ValueError, DatabaseError, InterfaceError) as error:
        say("ERROR", str(error))
        return 1
    say("INFO", f"{deleted} messages older than {days} days deleted", deleted=deleted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
