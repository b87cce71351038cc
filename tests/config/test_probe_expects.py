"""What answers to probes must be, as the environment says it."""

from typing import Any

import pytest

from shared.analysis.evidence import Expectation
from tests.config.test_environment import load, web_problems

PATH = "services.web.probe_expects"


def test_a_probe_may_ask_for_a_text_and_for_speed() -> None:
    row = {"image": "i", "probe_expects": {"/health/ready": {"contains": "true", "ms_max": 800}}}
    assert load(services={"web": row}).services["web"].probe_expects == {"/health/ready": Expectation("true", 800)}
    assert load().services["web"].probe_expects == {}
    usual = load(services={"web": {"image": "i", "probe_expects": {"/health/ready": {}}}}).services["web"]
    assert usual.probe_expects == {"/health/ready": Expectation()}
    soon = load(services={"web": {"image": "i", "probe_expects": {"/health/ready": {"ms_max": 0.5}}}}).services["web"]
    assert soon.probe_expects == {"/health/ready": Expectation("", 0.5)}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ([], f"{PATH}: must be an object by probe path"),
        ({"/": {}}, f"{PATH}./: must be one of probe_paths"),
        ({"/health/ready": 5}, f"{PATH}./health/ready: must be an object"),
        ({"/health/ready": {"text": "x"}}, f"{PATH}./health/ready.text: unknown field"),
        ({"/health/ready": {"contains": 5}}, f"{PATH}./health/ready.contains: must be a text"),
        (
            {"/health/ready": {"ms_max": 0}},
            f"{PATH}./health/ready.ms_max: must be a number of milliseconds above 0, at most 5000",
        ),
        (
            {"/health/ready": {"ms_max": 5001}},
            f"{PATH}./health/ready.ms_max: must be a number of milliseconds above 0, at most 5000",
        ),
    ],
)
def test_every_mistake_is_named(raw: Any, problem: str) -> None:
    assert web_problems(probe_expects=raw) == [problem]
