"""What a service asks of its images: every problem with its field."""

from typing import Any

import pytest

from shared.rollout.supply import Attestation, Supply, VulnerabilitySeverity
from tests.config.test_environment import load, web_problems

NOTE = "projects/pushnchat-registry/notes/built-by-pipeline"


def test_nothing_is_asked_unless_it_is_said() -> None:
    web = load().services["web"]
    assert web.supply is None
    assert web.assets_bucket == ""
    assert load(services={"web": {"image": "i", "supply": {}}}).services["web"].supply == Supply()


def test_everything_can_be_asked() -> None:
    asked = {
        "attestation": "require",
        "note": NOTE,
        "severity_max": "high",
        "unfixable_severity_max": "medium",
        "accepted": ["CVE-2026-1"],
    }
    row = {"image": "i", "assets_bucket": "assets", "supply": asked}
    web = load(services={"web": row}).services["web"]
    assert web.assets_bucket == "assets"
    assert web.supply == Supply(
        attestation=Attestation.REQUIRE,
        note=NOTE,
        severity_max=VulnerabilitySeverity.HIGH,
        unfixable_severity_max=VulnerabilitySeverity.MEDIUM,
        accepted=frozenset({"CVE-2026-1"}),
    )


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"supply": "all"}, "supply"),
        ({"supply": {"signed": True}}, "supply.signed"),
        ({"supply": {"attestation": "please"}}, "supply.attestation"),
        ({"supply": {"attestation": "require"}}, "supply.note"),
        ({"supply": {"attestation": "require", "note": "built"}}, "supply.note"),
        ({"supply": {"severity_max": "none"}}, "supply.severity_max"),
        ({"supply": {"severity_max": ["high"]}}, "supply.severity_max"),
        ({"supply": {"unfixable_severity_max": 4}}, "supply.unfixable_severity_max"),
        ({"supply": {"accepted": "CVE-1"}}, "supply.accepted"),
        ({"supply": {"accepted": [""]}}, "supply.accepted"),
        ({"assets_bucket": ""}, "assets_bucket"),
    ],
)
def test_a_wrong_value_names_its_field(row: dict[str, Any], field: str) -> None:
    [problem] = web_problems(**row)
    assert problem.startswith(f"services.web.{field}: ")


def test_a_word_that_is_none_of_ours_is_answered_with_those_that_are() -> None:
    assert web_problems(supply={"attestation": "please"}) == [
        "services.web.supply.attestation: must be one of ignore, require"
    ]
    assert web_problems(supply={"severity_max": "none"}) == [
        "services.web.supply.severity_max: must be one of minimal, low, medium, high, critical"
    ]
