"""The job's container: it does its work on a real PostgreSQL and ends, by itself or when it is told to."""

import json
import time

from scripts.local_cloud.sql.postgres import PostgreSQL
from tests.containers.subject import FIGURES, Images, running
from tests.dockerfiles.load import until

SCHEMA = "CREATE TABLE messages (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sent_at TIMESTAMPTZ NOT NULL);"
ROWS = "INSERT INTO messages (sent_at) SELECT now() - interval '{days} days' FROM generate_series(1, {rows});"

SLOW = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN OLD; END $$;
    CREATE TRIGGER slow BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION slow();
"""
BUSY = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'held' AND wait_event = 'PgSleep'"


def test_it_deletes_what_is_too_old_and_ends_with_0(images: Images, database: PostgreSQL) -> None:
    database.query("CREATE DATABASE kept")
    database.query(SCHEMA + ROWS.format(days=400, rows=1500) + ROWS.format(days=1, rows=3), "kept")
    began = time.monotonic()
    ran = images.engine.run(images.of("job"), environment={"DATABASE_URL": database.url("kept")})
    FIGURES.append(f"job: 1500 rows deleted and ended in {time.monotonic() - began:.1f} s, its start included")
    assert (ran.status, json.loads(ran.output)["deleted"]) == (0, 1500)
    assert database.query("SELECT count(*) FROM messages", "kept").strip() == "3"


def test_it_says_why_it_cannot_and_ends_with_1(images: Images) -> None:
    ran = images.engine.run(images.of("job"))
    assert (ran.status, json.loads(ran.output)["message"]) == (1, "DATABASE_URL is not set")


def test_sigterm_ends_it_and_leaves_the_batch_to_the_next(images: Images, database: PostgreSQL) -> None:
    """A trigger makes it slow enough to be met at work."""
    database.query("CREATE DATABASE held")
    database.query(SCHEMA + ROWS.format(days=400, rows=5), "held")
    database.query(SLOW, "held")
    with running(images.engine, images.of("job"), {"DATABASE_URL": database.url("held")}) as one:
        until(lambda: database.query(BUSY).strip() == "1", f"at work:\n{one.log()}")
        one.sigterm()
        assert one.ended() == 143
    assert database.query("SELECT count(*) FROM messages", "held").strip() == "5"
