"""Rules broken on purpose: the simulation that does not find each of them proves nothing.

Every breakage is one plausible mistake, patched into the production code for as long as the context lasts.
"""

from collections.abc import Callable
from typing import Any

from functions.health_verify import handler as health_verify
from functions.health_verify import reading
from functions.notify import handler as notify
from shared.analysis.verdict import Health
from shared.rollout import (
    change,
    climbing,
    decide,
    incidents,
    judging,
    newcomer,
    orders,
    requests,
    restoration,
    standstill,
    traffic,
)
from shared.rollout.record import Record
from shared.runtime import release_gate, turn
from tests.simulation import mistakes
from tests.simulation.backup_breakages import BACKUP_BREAKAGES
from tests.simulation.breakage import Breakage
from tests.simulation.surroundings import Ledger
from tests.simulation.upgrade_breakages import UPGRADE_BREAKAGES

_ROLL_BACKS = (climbing, standstill, incidents, orders)
_CONCLUDING = (change, judging, newcomer, incidents, orders, requests, restoration, decide)
_ANNOUNCING = (change, climbing, standstill, newcomer, orders, requests, restoration, decide)


def _everywhere(name: str, replacement: Callable[..., Any], *modules: Any) -> tuple[tuple[Any, str, Any], ...]:
    return tuple((module, name, replacement) for module in modules)


BREAKAGES = (
    Breakage(
        "etag_ignored",
        "d",
        "A write goes through whatever was written since the read.",
        ((turn, "_save", mistakes.etag_ignored),),
    ),
    Breakage(
        "acked_before_saved",
        "k",
        "The message is acked and nothing was written.",
        ((turn, "_save", mistakes.not_saved),),
    ),
    Breakage(
        "told_before_saved",
        "j",
        "People hear of what is not written yet.",
        ((turn, "_save", mistakes.told_before_saved),),
    ),
    Breakage(
        "race_swallowed", "jk", "A lost race is taken for a success.", ((turn, "_save", mistakes.race_swallowed),)
    ),
    Breakage(
        "blindness_promotes",
        "ag",
        "No metrics count as healthy.",
        ((judging, "_advance", mistakes.seen_as(Health.HEALTHY)),),
    ),
    Breakage(
        "blindness_blames",
        "g",
        "No metrics count as unhealthy.",
        ((judging, "_advance", mistakes.seen_as(Health.UNHEALTHY)),),
    ),
    Breakage(
        "probes_ignored",
        "a",
        "A canary whose probes fail gets users.",
        ((judging, "verify", mistakes.probes_taken_for_passed),),
    ),
    Breakage(
        "stale_verdict",
        "ac",
        "A verdict about another step counts.",
        ((decide, "judged", mistakes.stale_taken_for_fresh),),
    ),
    Breakage(
        "outbox_forgotten",
        "j",
        "The outbox is emptied before the ledger has it.",
        ((judging, "_upkeep", mistakes.outbox_forgotten),),
    ),
    Breakage(
        "told_only_once",
        "j",
        "What was not published is never published again.",
        ((judging, "_upkeep", mistakes.told_only_once),),
    ),
    Breakage(
        "keys_by_kind",
        "bj",
        "Two announcements share a key.",
        _everywhere("announce", mistakes.keys_by_kind, *_ANNOUNCING),
    ),
    Breakage(
        "pin_forgotten",
        "f",
        "A rollback does not pin.",
        _everywhere("roll_back", mistakes.unfinished_rollback, *_ROLL_BACKS),
    ),
    Breakage(
        "pin_not_asked",
        "f",
        "A pinned service starts what is pushed.",
        ((requests, "must_wait", mistakes.pin_not_asked),),
    ),
    Breakage(
        "blame_forgotten",
        "f",
        "A rolled back digest is not remembered.",
        _everywhere("roll_back", mistakes.rollback_without_blame, *_ROLL_BACKS),
    ),
    Breakage("tags_lost", "h", "Other people's tags are dropped.", ((turn, "targets", mistakes.lossy_targets),)),
    Breakage(
        "ninety_nine_percent", "h", "One percent of users get nobody.", ((traffic, "split", mistakes.ninety_nine),)
    ),
    Breakage(
        "latest_trusted", "h", "The canary's share goes to LATEST.", ((turn, "targets", mistakes.latest_trusted),)
    ),
    Breakage(
        "older_push_wins", "d", "An older push undoes a newer one.", ((requests, "_settled", mistakes.oldest_first),)
    ),
    Breakage("freeze_ignored", "a", "A frozen service advances.", ((judging, "on_trial", mistakes.freeze_not_asked),)),
    Breakage(
        "no_prepare_deadline",
        "i",
        "A revision may take for ever to start.",
        ((judging, "prepare", mistakes.never_fails_to_start),),
    ),
    Breakage(
        "hold_without_exit",
        "ei",
        "A hold never ends by itself and nobody is asked.",
        ((judging, "held", mistakes.held_for_ever),),
    ),
    Breakage(
        "adopts_the_newest",
        "a",
        "What was created last counts as stable.",
        ((turn, "serving_revision", mistakes.newest_is_stable),),
    ),
    Breakage(
        "back_to_itself",
        "af",
        "A rollback goes to the revision it leaves.",
        _everywhere("roll_back", mistakes.back_to_itself, *_ROLL_BACKS),
    ),
    Breakage(
        "orders_without_age",
        "d",
        "An overtaken command is carried out.",
        ((orders, "_overtaken", mistakes.order_without_age),),
    ),
    Breakage(
        "hands_overtaken",
        "d",
        "A late command undoes what a person did to the traffic since.",
        ((orders, "_sent_before_the_split", lambda *_: False),),
    ),
    Breakage(
        "newcomer_forgotten",
        "k",
        "A revision that appears while nothing may start is refused for good.",
        ((newcomer, "note", mistakes.refused_for_good),),
    ),
    Breakage(
        "commands_repeat",
        "c",
        "A repeated command is carried out again.",
        ((Record, "remember_acted", mistakes.forgetful),),
    ),
    Breakage(
        "sequence_stands",
        "d",
        "A write does not count.",
        _everywhere("concluded", mistakes.same_sequence, *_CONCLUDING),
    ),
    Breakage(
        "old_copy_trusted",
        "defk",
        "A record put back by somebody else is believed.",
        ((turn, "newer_record", mistakes.no_newer_record), (reading, "newer_record", mistakes.no_newer_record)),
    ),
    Breakage(
        "rollback_undone",
        "ef",
        "Restoring the record forgets the rollback in between.",
        ((restoration, "_taken_back", mistakes.restored_blindly),),
    ),
    Breakage(
        "freeze_by_arrival",
        "d",
        "The last freeze to arrive wins, not the last one asked for.",
        ((Ledger, "set_freeze", mistakes.last_freeze_wins),),
    ),
    Breakage(
        "alerts_hit_anything",
        "e",
        "Every alert rolls back whatever runs.",
        ((incidents, "_not_about_this", mistakes.about_anything),),
    ),
    Breakage(
        "hands_off_forgotten",
        "h",
        "Traffic edited by hand is overwritten.",
        ((turn, "drifted", lambda *_: False), (reading, "drifted", lambda *_: False)),
    ),
    Breakage(
        "nobody_is_told", "j", "notify takes everything for a duplicate.", ((notify, "handle", mistakes.heard_already),)
    ),
    Breakage(
        "rollback_overtaken",
        "e",
        "A newer command keeps a rollback from being carried out.",
        ((orders, "_overtaken", mistakes.anybody_overtakes),),
    ),
    Breakage(
        "newcomer_hides_blame",
        "e",
        "A revision that appears supersedes a canary found bad.",
        ((judging, "may_supersede", mistakes.any_newcomer_supersedes),),
    ),
    Breakage("held_sees_no_harm", "e", "A held canary that is dead stays.", ((standstill, "harm", lambda *_: ""),)),
    Breakage(
        "bake_on_doubt", "a", "An unclear verdict ends the bake.", ((climbing, "_proved", mistakes.unclear_is_enough),)
    ),
    Breakage(
        "target_unasked", "e", "A revision is good to return to unasked.", ((reading, "_answers", lambda *_: True),)
    ),
    Breakage(
        "files_not_asked",
        "a",
        "A frontend starts before its files are there.",
        ((release_gate, "gate_of", mistakes.gate_open),),
    ),
    Breakage("pages_not_weighed", "a", "Pages are not measured.", ((reading, "read_pages", lambda *given: given[-1]),)),
    Breakage(
        "tag_trusted",
        "a",
        "The canary's tag is believed to lead to it.",
        ((reading, "_read_canary", mistakes.tag_trusted),),
    ),
    Breakage(
        "blinded", "k", "One record that cannot be read stops the tick.", ((health_verify, "_measure", mistakes.blind),)
    ),
    Breakage(
        "superseded_unsaid",
        "bk",
        "A rollout gives way to a newer one, and nobody is told.",
        _everywhere("end", mistakes.ended_unsaid, requests, newcomer, climbing, orders),
    ),
    Breakage(
        "traffic_later",
        "j",
        "The bake is committed and its traffic is not.",
        ((turn, "targets", mistakes.moved_later),),
    ),
    *UPGRADE_BREAKAGES,
    *BACKUP_BREAKAGES,
)
