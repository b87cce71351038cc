"""Releases that migrate the database: one that nobody can follow back, and one that only adds."""

import time

from scripts.demonstration.findings import (
    DECISION_SECONDS_MAX,
    PROMOTED,
    PROMOTION_SECONDS_MAX,
    Finding,
    rolled_back,
    seconds_between,
)
from scripts.demonstration.images import EARLIER_SCHEMA
from scripts.demonstration.outcome import Different
from scripts.demonstration.stage import Stage
from shared.rollout.commands import Verb

MESSAGES = 20  # written before a migration, while it is on trial, and after it was taken back
LEFT_ALONE_SECONDS = 3.0


def migrating(stage: Stage) -> Finding:
    """No backup, no migration; and what earlier releases cannot follow is not taken back."""
    pushed = stage.push("v10-contract")
    waits = stage.watch.wait_for(
        "deploy.waiting", within=DECISION_SECONDS_MAX, after=pushed.heard, digest=pushed.digest
    )
    if "no verified export" not in waits.text:
        raise Different(f"it waits for something else: {waits.text}")
    time.sleep(LEFT_ALONE_SECONDS)
    if stage.watch.record().active:
        raise Different("it started without a backup")
    export = stage.verify_export()
    promoted = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    revision = promoted.details["revision"]
    heard, at = stage.watch.heard, stage.command(Verb.ROLLBACK, "to show that it is refused")
    refused = stage.watch.wait_for("rollback.refused", within=DECISION_SECONDS_MAX, after=heard)
    if dict(stage.watch.service().serving) != {revision: 100}:
        raise Different("traffic moved to a release that cannot run any more")
    why = f"It waited until {export} was verified. {refused.text}"
    return Finding(
        release=pushed.name,
        outcome="waited, stays",
        why=why,
        seconds=seconds_between(refused.at, at),
        revision=revision,
    )


def expanding(stage: Stage) -> Finding:
    """The new release adds a table and a trigger while the old one serves and writes, and goes again without a loss."""
    stage.verify_export()
    _check_schema(stage, EARLIER_SCHEMA)
    stage.write_messages(MESSAGES)
    pushed = stage.push("v11-expand")
    stage.until_first_share(pushed)
    _check_schema(stage, EARLIER_SCHEMA, "0002-notifications")
    stage.write_messages(MESSAGES)  # to both releases, as the split has it
    promoted = stage.until_end(pushed, PROMOTED, within=PROMOTION_SECONDS_MAX)
    at = stage.command(Verb.ROLLBACK, "to show that an expanding release can be taken back")
    news = rolled_back(stage, pushed, "rollback_command", within=DECISION_SECONDS_MAX)
    stage.write_messages(MESSAGES)
    stage.release_pin()
    written = stage.rows("messages")
    told = stage.rows("notifications")
    if (written, told) != (3 * MESSAGES, 2 * MESSAGES):
        raise Different(
            f"of {3 * MESSAGES} messages {written} are kept, and of {2 * MESSAGES} new ones {told} are told"
        )
    why = (
        f"It added a table under the release of before; taken back, that one goes on. All {written} messages are kept, "
        f"the {told} since the migration in the new table too."
    )
    return Finding(
        release=pushed.name,
        outcome="migrated, taken back",
        why=why,
        seconds=seconds_between(news.at, at),
        revision=promoted.details["revision"],
    )


def _check_schema(stage: Stage, *names: str) -> None:
    found = stage.query("SELECT name FROM schema_migrations ORDER BY name").split()
    if found != list(names):
        raise Different(f"the database is at {', '.join(found)} and not at {', '.join(names)}")
