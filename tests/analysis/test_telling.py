"""What the judge says as a rollout goes on, with the figures behind it: tests/analysis/told/verdicts.txt.

After a change that is meant:  .venv/bin/python -m tests.analysis.test_telling
"""

from pathlib import Path

import pytest

from shared.analysis.judge import judge
from shared.analysis.verdict import Verdict
from tests.analysis.scenes import SCENES, Scene

TOLD = Path(__file__).parent / "told" / "verdicts.txt"


def _told(scene: Scene) -> str:
    return "\n".join(f"{look} min: {_said(judge(scene.question(look)))}" for look in scene.looks)


def _said(verdict: Verdict) -> str:
    counted = (verdict.canary_errors, verdict.canary_requests, verdict.baseline_errors, verdict.baseline_requests)
    figures = {
        "failed": "{} of {}, {} of {}".format(*counted),
        "harm": _rounded(verdict.evidence_of_harm),
        "safety": _rounded(verdict.evidence_of_safety),
        "p90": f"{_rounded(verdict.canary_p90_ms)}, {_rounded(verdict.baseline_p90_ms)}",
        "needs": f"{verdict.requests_needed} in {verdict.minutes_needed}" if verdict.requests_needed else "",
        "shared": "outage" if verdict.shared_outage else "",
    }
    return f"{verdict.health}: {verdict.reason}\n    " + "; ".join(
        f"{name} {value}" for name, value in figures.items() if value
    )


def _rounded(value: float | None) -> str:
    """To five digits, so that the order of a sum makes no difference."""
    return "-" if value is None else f"{value:.5g}"


def _written() -> dict[str, str]:
    parts = TOLD.read_text().removeprefix("# ").split("\n\n# ")
    return {title: body.rstrip("\n") for title, _, body in (part.partition("\n") for part in parts)}


@pytest.mark.parametrize("name", SCENES)
def test_every_rollout_is_judged_as_it_is_written(name: str) -> None:
    assert _told(SCENES[name]) == _written()[name]


def test_nothing_is_written_of_what_is_not_played() -> None:
    assert list(_written()) == list(SCENES)


if __name__ == "__main__":
    TOLD.parent.mkdir(exist_ok=True)
    TOLD.write_text("\n\n".join(f"# {name}\n{_told(scene)}" for name, scene in SCENES.items()) + "\n")
