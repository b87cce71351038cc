"""What is promised, word for word as docs/explanation/failure_model.md says it, and how a broken promise is told."""

from collections.abc import Mapping

PROMISES: Mapping[str, str] = {
    "a": (
        "No more traffic to a revision without recorded evidence or a named human, and no promotion on time "
        "alone; under a freeze not at all, nor before its files are there or with pages too heavy for slow lines; "
        "taking a service into care leaves users where they are."
    ),
    "b": (
        "At most one rollout of a service is active, only its canary has traffic beside stable, and the next "
        "begins in no write that does not end the one before."
    ),
    "c": "Any message twice equals once.",
    "d": "An older event never undoes a newer decision; a write is always newer than the one before.",
    "e": (
        "Rollback wins every race: what was taken back never lives again, what a reading proves bad is taken "
        "back, and so is what a person orders back, whatever was commanded since; it returns to a revision "
        "that answered. An alert takes back only what it can be about."
    ),
    "f": (
        "After a rollback nothing gives that release traffic or starts it again, and nothing else starts "
        "until a person releases the pin."
    ),
    "g": "Loss of metrics neither promotes nor rolls back.",
    "h": (
        "Percents sum to 100, by name, on ready revisions. Other people's tags survive, and traffic edited by "
        "hand is left alone."
    ),
    "i": "Every state has an exit, or a deadline that asks a person.",
    "j": (
        "A committed transition is announced at least once, under a key of its own, and moves traffic exactly "
        "once, in its own write; nothing is told that did not happen. While 16 announcements are unheard, "
        "what only informs is in the log alone."
    ),
    "k": (
        "A crash after any single call leaves a state that the next tick repairs; no push is lost; a record "
        "that nobody can read blinds no other service; two versions of our code at work on one record lose nothing "
        "of it."
    ),
    "l": (
        "No export is called good, copied to the locked bucket or told as verified unless every byte of that "
        "generation was read, and what was told of a generation stands; there is one export a night, and no drill "
        "leaves an instance behind."
    ),
}


class Broken(Exception):
    """A promise does not hold. letter: one of `PROMISES`; promise: the part of it that is broken."""

    def __init__(self, letter: str, promise: str, found: str) -> None:
        assert letter in PROMISES
        super().__init__(f"({letter}) {promise} Found: {found}")
        self.letter = letter
