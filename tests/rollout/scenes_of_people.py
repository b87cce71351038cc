"""What people ask for: commands and releases."""

from dataclasses import replace
from datetime import timedelta

from shared.rollout.commands import Verb
from shared.rollout.facts import Gate
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import Hold
from tests.rollout.cases import (
    MINUTE,
    NOW,
    STABLE,
    command,
    release,
    request,
    take,
)
from tests.rollout.moments import (
    AT_STEP,
    BAD,
    BAKED_AT,
    BAKING,
    CONTRACTED,
    CONTRACTED_AT,
    CONTRACTING,
    CONTRACTING_AT,
    EMPTY,
    HOUR,
    PIN,
    PREPARING,
    PROGRESSING,
    PROMOTED,
    PROMOTED_AT,
    QUEUE,
    ROLLED_BACK,
    Scene,
    changed,
    full,
    holding,
)


def ordering() -> list[Scene]:
    records = {
        "at rest": (STABLE, NOW),
        "preparing": (PREPARING, NOW + MINUTE),
        "progressing": (PROGRESSING, AT_STEP),
        "baking": (BAKING, BAKED_AT),
        "promoted": (PROMOTED, PROMOTED_AT + MINUTE),
        "contracting": (CONTRACTING, CONTRACTING_AT + MINUTE),
        "contracted": (CONTRACTED, CONTRACTED_AT + MINUTE),
        "paused": (holding(HoldCause.PAUSED), AT_STEP),
        "held by a freeze": (holding(HoldCause.FREEZE), AT_STEP),
        "held while baking": (holding(HoldCause.DEADLINE, Phase.BAKING), BAKED_AT),
        "rolled back": (ROLLED_BACK, AT_STEP),
        "rolled back, one waiting": (replace(ROLLED_BACK, waiting=release("f")), AT_STEP),
        "rolled back, one waiting, frozen": (
            replace(ROLLED_BACK, waiting=release("f"), frozen="amina froze web: quiet."),
            AT_STEP,
        ),
        "edited at rest": (replace(STABLE, edited="web-00000-old 100 %"), NOW),
        "edited on trial": (replace(PROGRESSING, edited="web-00000-old 100 %"), AT_STEP),
        "frozen": (replace(PROGRESSING, frozen="amina froze web: quiet."), AT_STEP),
        "stuck on a migration": (
            changed(
                CONTRACTING,
                phase=Phase.HELD,
                hold=Hold(cause=HoldCause.MIGRATION, reason="stuck", since=NOW, phase=Phase.BAKING, told_at=NOW),
            ),
            CONTRACTING_AT + MINUTE,
        ),
        "full": (full(PROGRESSING), AT_STEP),
    }
    scenes = [
        Scene(f"{verb} when {name}", record, command(verb, at), at)
        for name, (record, at) in records.items()
        for verb in Verb
    ]
    done = take(PROGRESSING, command(Verb.PAUSE, AT_STEP), AT_STEP).record
    later = command(Verb.RESUME, AT_STEP - timedelta(seconds=1), "r2")
    shouting = replace(command(Verb.PAUSE, AT_STEP), why=" stop it! ")
    asking = replace(command(Verb.PAUSE, AT_STEP), why="is it slow?")
    return [
        *scenes,
        Scene("pause twice", done, command(Verb.PAUSE, AT_STEP), AT_STEP),
        Scene("resume, overtaken", done, later, AT_STEP),
        Scene("roll back what is not there any more", PROGRESSING, command(Verb.ROLLBACK, NOW - MINUTE), AT_STEP),
        Scene(
            "resume an edited rollout without shares of its own",
            replace(changed(PROGRESSING, steps=()), edited="web-00000-old 100 %"),
            command(Verb.RESUME, AT_STEP),
            AT_STEP,
        ),
        Scene("pause, shouting", PROGRESSING, shouting, AT_STEP),
        Scene("pause, asking", PROGRESSING, asking, AT_STEP),
        Scene(
            "promote in a frozen environment",
            PROGRESSING,
            replace(command(Verb.PROMOTE, AT_STEP), frozen="holidays"),
            AT_STEP,
        ),
        Scene(
            "release the pin in a frozen environment",
            replace(ROLLED_BACK, waiting=release("f")),
            replace(command(Verb.RELEASE_PIN, AT_STEP), frozen="holidays"),
            AT_STEP,
        ),
    ]


def requesting() -> list[Scene]:
    newer = request("c", AT_STEP)
    bad = replace(STABLE, known_bad=(BAD,))
    waiting = replace(STABLE, waiting=release("c"), pin=PIN)
    refused = replace(request(), gate=Gate(refuses="it has no backup.", pages=True))
    once = take(STABLE, refused, NOW).record
    return [
        Scene("a release at rest", STABLE, request()),
        Scene("a release on a session affinity", STABLE, replace(request(), session_affinity=True)),
        Scene("a first release", EMPTY, request()),
        Scene("a first release on a session affinity", EMPTY, replace(request(), session_affinity=True)),
        Scene("a release beside a placeholder", replace(STABLE, placeholder=True), request()),
        Scene("a newer release", PROGRESSING, newer, AT_STEP),
        Scene("a newer release queues", PROGRESSING, newer, AT_STEP, QUEUE),
        Scene("a newer release while one bakes", BAKING, newer, BAKED_AT),
        Scene("a newer release while one is paused", holding(HoldCause.PAUSED), newer, AT_STEP),
        Scene("a release on trial again", PROGRESSING, request(), AT_STEP),
        Scene("a promoted release again", PROMOTED, request(), PROMOTED_AT),
        Scene("the stable release", STABLE, request("a")),
        Scene("an older release", PROMOTED, request("c", NOW - HOUR), PROMOTED_AT),
        Scene("a known bad release", bad, request("e")),
        Scene("a known bad release that waited", replace(bad, waiting=release("e")), request("e")),
        Scene("a release when pinned", replace(STABLE, pin=PIN), request()),
        Scene("a release when frozen", replace(STABLE, frozen="amina froze web: quiet."), request()),
        Scene("a release in a frozen environment", STABLE, replace(request(), frozen="holidays")),
        Scene("a release when edited", replace(STABLE, edited="web-00000-old 100 %"), request()),
        Scene("a release whose gate waits", STABLE, replace(request(), gate=Gate(waits="its backup runs."))),
        Scene("a release whose gate refuses", STABLE, replace(request(), gate=Gate(refuses="it has no backup."))),
        Scene("a release whose gate refuses and pages", STABLE, refused),
        Scene("a refused release again", once, refused),
        Scene("a release when nothing is heard", full(STABLE), request()),
        Scene("a release that waits already", waiting, request("c")),
        Scene("a release that waits already, asked again later", waiting, request("c", NOW + MINUTE), NOW + MINUTE),
    ]
