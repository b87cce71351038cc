"""What is decided and told, word for word, at every kind of moment: tests/rollout/told/ holds it for people to read.

After a change that is meant:  .venv/bin/python -m tests.rollout.test_telling
"""

from pathlib import Path

import pytest

from shared.rollout.codec import decode, encode
from shared.rollout.record import Record
from shared.rollout.restoration import restore
from tests.rollout.cases import take
from tests.rollout.moments import Scene
from tests.rollout.scenes_of_facts import appearing, going_back, incidents, keeping_up
from tests.rollout.scenes_of_people import ordering, requesting
from tests.rollout.scenes_of_rollouts import climbing, standing_still, starting
from tests.rollout.telling import written_out

CHAPTERS = {
    chapter.__name__: chapter
    for chapter in (
        starting,
        climbing,
        standing_still,
        ordering,
        requesting,
        incidents,
        appearing,
        keeping_up,
        going_back,
    )
}
TOLD = Path(__file__).parent / "told"


def _chapter(name: str) -> dict[str, str]:
    """What stands in the file, by the name of the moment."""
    parts = (TOLD / f"{name}.txt").read_text().removeprefix("# ").split("\n\n# ")
    return {title: body.rstrip("\n") for title, _, body in (part.partition("\n") for part in parts)}


def _said(scene: Scene) -> str:
    if isinstance(scene.event, Record):
        decision = restore(scene.event, scene.record, scene.at)
    else:
        decision = take(scene.record, scene.event, scene.at, scene.strategy)
    assert decode(encode(decision.record)) == decision.record, "it survives being written down"
    return written_out(scene.record, decision, scene.strategy)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_moment_is_decided_and_told_as_it_is_written(chapter: str) -> None:
    scenes = CHAPTERS[chapter]()
    assert {scene.name: _said(scene) for scene in scenes} == _chapter(chapter)
    assert len({scene.name for scene in scenes}) == len(scenes)


if __name__ == "__main__":
    TOLD.mkdir(exist_ok=True)
    for chapter, scenes in CHAPTERS.items():
        text = "\n\n".join(f"# {scene.name}\n{_said(scene)}" for scene in scenes())
        (TOLD / f"{chapter}.txt").write_text(f"{text}\n")
