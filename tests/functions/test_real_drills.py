"""Drills on a real PostgreSQL: what was exported is restored, and what is wrong is told."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.config.backups import Database
from tests.functions.conftest import BACKUPS
from tests.functions.real_database import RealDatabase

SEED = """
CREATE TABLE users(id bigserial PRIMARY KEY, name text NOT NULL);
CREATE TABLE messages(id bigserial PRIMARY KEY, body text NOT NULL, sent_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE "Odd; 'name'"(id int);
CREATE TABLE parted(id int) PARTITION BY RANGE (id);
CREATE TABLE parted_one PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE EXTENSION pg_trgm;
INSERT INTO users(name) SELECT 'Ünïcode ' || g FROM generate_series(1, 50) g;
INSERT INTO messages(body, sent_at) SELECT E'\\\\.\\n' || g, now() - interval '1 hour' FROM generate_series(1, 500) g;
INSERT INTO parted VALUES (1), (2);
"""


@pytest.mark.no_cover
def test_a_real_export_is_restored_for_real_and_one_that_was_replaced_is_not(real: RealDatabase) -> None:
    real.admin.add_instance("chat", databases=("app",)).query(SEED, "app")
    assert real.night().startswith("verified")
    began = datetime.now(UTC).replace(microsecond=0)
    outcomes = real.drill(began)
    failed = real.cloud.ledger.read(f"drills/chat/{began:%Y%m%dT%H%M%SZ}-failed.json")
    assert outcomes[-3].startswith("passed"), failed
    assert real.cloud.databases.instances() == {"chat"}
    passed = f"drills/chat/{began:%Y%m%dT%H%M%SZ}-passed.json"
    report = json.loads(real.cloud.ledger.read(passed) or b"{}")
    assert report["rows_restored"] == report["rows_in_file"]
    assert report["rows_restored"]["public.messages"] == 500
    assert report["rows_restored"]["public.\"Odd; 'name'\""] == 0
    assert report["checks"] == {"bodies": True}
    assert 0 <= report["loss_seconds"] < 60
    assert 3590 < report["newest_row_age_seconds"] < 3720
    assert report["rows_at_source_before"] == report["rows_in_file"]
    assert set(report["steps_seconds"]) == {"create", "create_database", "import"}

    # The same night's catalogue, and a file that lost a row after it was read.
    real.admin.database("chat").query("DELETE FROM users WHERE id = 7", "app")
    fewer = gzip.compress(real.admin.database("chat").dump("app"))
    blob = real.client.bucket("locked").blob(next(iter(real.client.list_blobs("locked"))).name)
    blob.upload_from_string(fewer)
    later = began + timedelta(minutes=1)
    assert any(outcome.startswith("failed") for outcome in real.drill(later))
    failed = json.loads(real.cloud.ledger.read(f"drills/chat/{later:%Y%m%dT%H%M%SZ}-failed.json") or b"{}")
    assert "is not the file that was verified" in failed["problems"][0]
    assert real.cloud.databases.instances() == {"chat"}


USERS = "CREATE TABLE users(id int PRIMARY KEY); INSERT INTO users SELECT generate_series(1, 50);"
# It holds in a database that is there, and not while one is being filled: a real dump that no server takes back.
UNRESTORABLE = """
CREATE FUNCTION is_user(id int) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM users u WHERE u.id = $1)';
CREATE TABLE admins(id int CHECK (is_user(id)));
INSERT INTO admins VALUES (1);
"""


def drill_through(real: RealDatabase, began: datetime, *, after_import: str = "") -> list[str]:
    """The problems of the drill; after_import: SQL for the throw-away instance between the import and the count."""
    name = f"drill-chat-{began:%Y%m%d%H%M%S}"

    def meddle(outcome: str) -> None:
        if after_import and outcome.startswith("import: "):
            real.admin.database(name).query(after_import, "app")

    real.drill(began, after=meddle)
    assert real.cloud.databases.instances() == {"chat"}
    report = real.cloud.ledger.read(f"drills/chat/{began:%Y%m%dT%H%M%SZ}-failed.json")
    assert report is not None
    problems: list[str] = json.loads(report)["problems"]
    return problems


@pytest.mark.no_cover
def test_what_is_wrong_with_a_real_restore_is_told_for_what_it_is(real: RealDatabase) -> None:
    app = real.admin.add_instance("chat", databases=("app",))
    app.query(USERS, "app")
    known = {"chat/app": Database(checks={"nobody": "SELECT count(*) = 0 FROM users"})}
    real.cloud.environment = replace(real.cloud.environment, backups=replace(BACKUPS, known=known))
    assert real.night().startswith("verified")
    began = datetime.now(UTC).replace(microsecond=0)
    assert drill_through(real, began, after_import="DELETE FROM users WHERE id = 7") == [
        "public.users has 49 rows; the file has 50.",
        'The check "nobody" is not true.',
    ]
    app.query(UNRESTORABLE, "app")
    assert real.night().startswith("verified"), "the file is whole: only a restore shows that it cannot be had back"
    [problem] = drill_through(real, began + timedelta(minutes=1))
    assert problem.startswith("Import failed: ERROR_RDBMS")
    assert "users" in problem
