"""Who holds the whole environment frozen, and why: each holder lifts its own freeze, and a person may lift everybody's.

One freeze for all would let the end of a weekend's window lift the stop that a person ordered in between.
"""

import json
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from shared.values import value

EVERYBODY: Final = "*"
SOMEBODY: Final = "somebody"  # who wrote the object by hand, or with a version that knew one freeze for all
LIFTED_MAX: Final = 100  # remembered one by one
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Wish(NamedTuple):
    """What a holder asked for last. reason: "" for lifting."""

    reason: str
    at: datetime


@value
class Freezes:
    """wishes: by holder, freezes and liftings alike, so that a late delivery undoes neither.

    nothing_before: no wish that was published earlier counts any more.
    """

    wishes: Mapping[str, Wish] = field(default_factory=dict)
    nothing_before: datetime = _LONG_AGO

    @property
    def reason(self) -> str:
        """Why nothing may advance, in the words of all who hold it; "" when nobody does."""
        return "; ".join(wish.reason for wish in self.wishes.values() if wish.reason)

    def with_wish(self, holder: str, reason: str, at: datetime) -> "Freezes | None":
        """After `holder` froze or, with "", lifted; None when a newer wish stands. EVERYBODY's is a lifting."""
        newest = self.wishes[holder].at if holder in self.wishes else self.nothing_before
        if at < max(newest, self.nothing_before):
            return None
        if holder == EVERYBODY:
            assert not reason
            return Freezes(wishes={name: wish for name, wish in self.wishes.items() if wish.at > at}, nothing_before=at)
        return _bounded(replace(self, wishes={**self.wishes, holder: Wish(reason, at)}))


def _bounded(freezes: Freezes) -> Freezes:
    """The oldest liftings are not remembered one by one; what was published before the others counts no more."""
    lifted = sorted(wish.at for wish in freezes.wishes.values() if not wish.reason)
    if len(lifted) <= LIFTED_MAX:
        return freezes
    floor = lifted[-LIFTED_MAX]
    kept = {name: wish for name, wish in freezes.wishes.items() if wish.reason or wish.at >= floor}
    return Freezes(wishes=kept, nothing_before=max(floor, freezes.nothing_before))


def encode(freezes: Freezes) -> str:
    """JSON text. `reason` and `at` stand for all, for people and for a version that knew one freeze."""
    wishes = freezes.wishes
    newest = max((freezes.nothing_before, *(wish.at for wish in wishes.values())))
    return json.dumps(
        {
            "reason": freezes.reason,
            "at": newest.isoformat(),
            "holders": {name: {"reason": wish.reason, "at": wish.at.isoformat()} for name, wish in wishes.items()},
            "nothing_before": freezes.nothing_before.isoformat(),
        }
    )


def decode(text: str | bytes | None) -> Freezes:
    """What `encode` made, {"reason": …} alone, or nothing. What cannot be read freezes: somebody meant something."""
    if not text:
        return Freezes()
    try:
        body = json.loads(text)
        if "holders" in body:
            wishes = {name: _wish(row) for name, row in body["holders"].items()}
            return Freezes(wishes=wishes, nothing_before=_moment(body["nothing_before"]))
        reason = str(body.get("reason", ""))
        return Freezes(wishes={SOMEBODY: Wish(reason, _LONG_AGO)} if reason else {})
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        reason = f"the freeze cannot be read: {type(error).__name__}: {error}"
        return Freezes(wishes={SOMEBODY: Wish(reason, _LONG_AGO)})


def _wish(row: Mapping[str, Any]) -> Wish:
    return Wish(str(row["reason"]), _moment(row["at"]))


def _moment(text: str) -> datetime:
    """A time written by hand may lack its zone; every one of ours is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
