"""The words of the field, as types: one word per idea."""

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.values import value

NOTHING: Final = "{}"  # JSON of the fields that a newer version wrote and this one carries along, when there are none


class Phase(StrEnum):
    """Where a rollout stands; docs/explanation/rollout.md draws the table."""

    PREPARING = "preparing"
    VERIFYING = "verifying"
    PROGRESSING = "progressing"
    BAKING = "baking"
    HELD = "held"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    ABORTED = "aborted"


TERMINAL = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.FAILED, Phase.SUPERSEDED, Phase.ABORTED})


class HoldCause(StrEnum):
    """Why a rollout stands still."""

    PAUSED = "paused"  # a person said so
    FREEZE = "freeze"  # a freeze window or the emergency stop
    METRICS_OUTAGE = "metrics_outage"  # nobody can see; never blamed on the release
    SHARED_OUTAGE = "shared_outage"  # stable is just as bad at the same moment
    DEADLINE = "deadline"  # the evidence did not arrive in time: a person must choose
    NO_TARGET = "no_target"  # there is no good revision to return to
    MIGRATION = "migration"  # no earlier release runs with the database as it is now


class Migration(StrEnum):
    """What a release does to its database, in the words of expand and contract (Ambler, Sadalage, 2006)."""

    NONE = ""
    EXPAND = "expand"  # earlier releases still run: tables and columns are added
    CONTRACT = "contract"  # earlier releases run no more: what they need is removed


@value
class Release:
    """What is deployed: one image digest, and the commit it was built from when known.

    image: the repository path without tag or digest; digest: "sha256:" and 64 hex digits;
    requested_at: when the push (or the person) asked for it, never when we processed it.
    A tag that ends in "-expand" or "-contract" declares a migration.
    """

    image: str
    digest: str
    requested_at: datetime
    commit: str = ""
    tag: str = ""
    extra: str = field(default=NOTHING, repr=False, compare=False)

    @property
    def reference(self) -> str:
        return f"{self.image}@{self.digest}"

    @property
    def short(self) -> str:
        """Seven digits of the digest, as people say it."""
        return self.digest.removeprefix("sha256:")[:7]

    @property
    def migration(self) -> Migration:
        declared = self.tag.rpartition("-")[2]
        return Migration(declared) if declared in (Migration.EXPAND, Migration.CONTRACT) else Migration.NONE
