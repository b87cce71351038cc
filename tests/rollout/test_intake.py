"""What comes in is clipped in each of its words, to what a record keeps of them."""

from dataclasses import replace

from shared.rollout.bounds import clipped
from shared.rollout.commands import Verb
from shared.rollout.facts import Gate
from shared.rollout.intake import bounded
from shared.rollout.observations import Judged
from tests.rollout.cases import NOW, STABLE, command, incident, judged, probe, request, verdict


def test_a_reading_is_clipped_in_each_of_its_words() -> None:
    long, names, words = "w" * 500, clipped("w" * 500, 80), clipped("w" * 500, 400)
    fact = judged(
        STABLE,
        NOW,
        canary_message=long,
        frozen=long,
        gated=long,
        heavy=(long,),
        pages=long,
        verdict=verdict()._replace(reason=long),
        probes=(probe()._replace(path=long, reason=long),),
    )
    kept = bounded(fact)
    assert isinstance(kept, Judged)
    assert kept.verdict
    assert {kept.canary_message, kept.frozen, kept.gated, *kept.heavy, kept.pages, kept.verdict.reason} == {words}
    assert (kept.probes[0].path, kept.probes[0].reason) == (names, words)
    assert (
        kept._replace(
            canary_message=long,
            frozen=long,
            gated=long,
            heavy=(long,),
            pages=long,
            verdict=fact.verdict,
            probes=fact.probes,
        )
        == fact
    )


def test_what_people_and_alerts_say_is_clipped_in_each_of_its_words() -> None:
    long, name, words = "w" * 500, clipped("w" * 500, 80), clipped("w" * 500, 400)
    order = replace(command(Verb.FREEZE), by=long, why=long, frozen=long)
    assert bounded(order) == replace(order, by=name, why=words, frozen=words)
    alert = incident(NOW, policy=long, summary=long, url=long)
    assert bounded(alert) == replace(alert, policy=name, summary=words, url=clipped(long, 300))
    push = request(tag="t" * 200 + "-contract")
    push = replace(push, by=long, frozen=long, gate=Gate(waits=long, refuses=long))
    push = replace(push, release=replace(push.release, commit=long))
    assert bounded(push) == replace(
        push,
        by=name,
        frozen=words,
        gate=Gate(waits=words, refuses=words),
        release=replace(push.release, commit=name, tag="t" * 119 + "-contract"),
    )
