"""The rollout record: all that must survive between two messages, kept on the service beside its traffic."""

from dataclasses import field, replace
from datetime import datetime
from hashlib import blake2s

from shared.rollout.announcement import Announcement
from shared.rollout.names import NOTHING, TERMINAL, HoldCause, Migration, Phase, Release
from shared.values import value

KNOWN_BAD_MAX = 20
ACTED_MAX = 40
GOOD_MAX = 5
RETIRED_MAX = 20
OUTBOX_MAX = 16  # from here on nothing adds to what nobody has heard yet but taking back, and what pages
ANSWERS_MAX = 4  # more, so that whoever commands something then is answered
ACTED_KEY_MAX = 32  # characters; a longer key is kept as its hash


@value
class Hold:
    """Why a rollout stands still, since when, the phase it goes back to, and when a person was last told."""

    cause: HoldCause
    reason: str
    since: datetime
    phase: Phase
    told_at: datetime
    extra: str = field(default=NOTHING, repr=False, compare=False)


@value
class Rollout:
    """One attempt to move a service to a release.

    canary: the revision on trial, "" until Cloud Run has named it; stable, stable_release: what users were on before,
    "" and None for a first deployment; step: index into the strategy's steps while progressing;
    first_traffic_at: when users first met the canary; steps: its shares, chosen then by the service's traffic.
    """

    id: str
    release: Release
    phase: Phase
    started_at: datetime
    phase_since: datetime
    stable: str = ""
    stable_release: Release | None = None
    canary: str = ""
    step: int | None = None
    first_traffic_at: datetime | None = None
    hold: Hold | None = None
    steps: tuple[int, ...] = ()
    extra: str = field(default=NOTHING, repr=False, compare=False)

    @property
    def active(self) -> bool:
        return self.phase not in TERMINAL

    @property
    def effective_phase(self) -> Phase:
        """The phase itself, or the one a hold interrupted: traffic follows this one."""
        return self.hold.phase if self.phase is Phase.HELD and self.hold else self.phase

    @property
    def irreversible(self) -> bool:
        """Whether earlier releases can no longer serve: it has all the traffic and migrated away what they need.

        Before, stable serves its share on the same database, so it is safe to return to.
        """
        contracted = self.release.migration is Migration.CONTRACT
        return contracted and bool(self.stable) and self.effective_phase in (Phase.BAKING, Phase.PROMOTED)


@value
class KnownBad:
    """A release that failed on users. digest is "" when only the configuration was new: then the revision is bad."""

    digest: str
    revision: str
    at: datetime
    reason: str
    extra: str = field(default=NOTHING, repr=False, compare=False)

    def same_release(self, other: "KnownBad") -> bool:
        return (self.digest, self.revision) == (other.digest, other.revision)


@value
class Pin:
    """After a rollback automatic deploys wait until a person releases it."""

    at: datetime
    reason: str
    extra: str = field(default=NOTHING, repr=False, compare=False)


@value
class Record:
    """Everything we know of one service.

    sequence: counts writes, so that an older record put back by somebody else is noticed;
    stable: the revision users are on when no rollout moves them; stable_release: what it runs, None where nobody
    could say; placeholder: that revision is not ours to
    compare with or return to; target: the revision proved good to return to, "" when none is;
    standby: a ready one kept addressable beside it, to be asked when the target does not answer;
    good: promoted revisions, newest first; retired: canaries that ended and must not be taken for new ones;
    edited, edited_at: what a person did to the traffic by hand, or "", and when a tick or a message found it so;
    acted: keys of messages that were acted on; decided_at: request time of the newest release decided on.
    """

    service: str
    sequence: int = 0
    stable: str = ""
    stable_release: Release | None = None
    placeholder: bool = False
    target: str = ""
    standby: str = ""
    rollout: Rollout | None = None
    good: tuple[str, ...] = ()
    known_bad: tuple[KnownBad, ...] = ()
    retired: tuple[str, ...] = ()
    pin: Pin | None = None
    waiting: Release | None = None
    frozen: str = ""
    edited: str = ""
    edited_at: datetime | None = None
    acted: tuple[str, ...] = ()
    decided_at: datetime | None = None
    commanded_at: datetime | None = None
    outbox: tuple[Announcement, ...] = ()
    extra: str = field(default=NOTHING, repr=False)  # here and below: see NOTHING

    @property
    def active(self) -> Rollout | None:
        return self.rollout if self.rollout and self.rollout.active else None

    def is_known_bad(self, digest: str, revision: str = "") -> KnownBad | None:
        for bad in self.known_bad:
            if (digest and bad.digest == digest) or (revision and bad.revision == revision):
                return bad
        return None

    @property
    def full(self) -> bool:
        """Whether so much is still to be heard by the ledger that nothing but the urgent may come on top."""
        return len(self.outbox) >= OUTBOX_MAX

    def has_acted(self, key: str) -> bool:
        return _acted_key(key) in self.acted or key in self.acted  # as versions before the hash kept it

    def remember_acted(self, key: str) -> "Record":
        return replace(self, acted=(*self.acted, _acted_key(key))[-ACTED_MAX:])

    def remember_bad(self, bad: KnownBad) -> "Record":
        """Once: blamed again, as when an older record is restored, it takes no other's place."""
        others = (old for old in self.known_bad if not old.same_release(bad))
        return replace(self, known_bad=(*others, bad)[-KNOWN_BAD_MAX:])

    def remember_good(self, revision: str) -> "Record":
        return replace(self, good=(revision, *(old for old in self.good if old != revision))[:GOOD_MAX])

    def retire(self, revision: str) -> "Record":
        return replace(self, retired=(*self.retired, revision)[-RETIRED_MAX:]) if revision else self

    def refuses(self, revision: str) -> bool:
        """Whether this revision never starts, whatever changes: nobody looks at it again."""
        return self.has_acted(f"revision/{revision}")

    def refuse(self, revision: str) -> "Record":
        return self.remember_acted(f"revision/{revision}")

    def hands_off(self) -> "Record":
        """Without a split made by hand: traffic is the record's again."""
        return replace(self, edited="", edited_at=None)

    def knows(self, revision: str) -> bool:
        """Whether this revision was met before, as stable, canary, good, bad or retired."""
        names = {self.stable, *self.good, *self.retired, *(bad.revision for bad in self.known_bad)}
        if self.rollout:
            names |= {self.rollout.stable, self.rollout.canary}
        return revision in names

    def return_candidates(self) -> tuple[str, ...]:
        """Revisions a rollback could go to, best first: promoted ones, without the one it would leave."""
        if self.rollout and self.rollout.irreversible:
            return ()
        leaving = self.rollout.canary if self.active and self.rollout else self.stable
        names = [self.rollout.stable] if self.rollout and self.rollout.stable else []
        names += [name for name in self.good if name not in names]
        return tuple(name for name in names if name != leaving and not self.is_known_bad("", name))


def _acted_key(key: str) -> str:
    """Sixteen characters of hash behind the kind of message, when the key is longer than is worth keeping."""
    if len(key) <= ACTED_KEY_MAX:
        return key
    return f"{key.partition('/')[0][:8]}/{blake2s(key.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"
