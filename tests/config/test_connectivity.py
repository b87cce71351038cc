"""Budgets as the environment gives them: what they mean, and every mistake by its name."""

from typing import Any

import pytest

from shared.config.connectivity import read_connectivity
from shared.connectivity.budget import Budget, Connectivity, Mode
from tests.config.test_environment import load, web_problems

PATH = "services.web.connectivity"


def read(raw: Any) -> tuple[Connectivity, list[str]]:
    problems: list[str] = []
    return read_connectivity(raw, problems, PATH), problems


def test_a_route_has_the_usual_budget_and_what_it_says_different() -> None:
    raw = {"mode": "block", "budgets": {"/": {}, "/rooms": {"bytes_max": 90_000, "load_seconds_max": {"2G": 6}}}}
    found, problems = read(raw)
    assert problems == []
    assert found.mode is Mode.BLOCK
    assert found.budgets == {"/": Budget(), "/rooms": Budget(bytes_max=90_000, load_seconds_max={"2G": 6})}


def test_nothing_is_asked_where_nothing_is_said() -> None:
    assert read({}) == (Connectivity(), [])


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ([], f"{PATH}: must be an object"),
        ({"modus": "warn"}, f"{PATH}.modus: unknown field"),
        ({"mode": "stop", "budgets": {"/": {}}}, f"{PATH}.mode: must be one of off, warn, block"),
        ({"mode": "warn"}, f"{PATH}.budgets: must be an object with a budget for at least one route"),
        ({"budgets": []}, f"{PATH}.budgets: must be an object with a budget for at least one route"),
        ({"budgets": {"rooms": {}}}, f'{PATH}.budgets.rooms: a route starts with "/" and does not end in "z"'),
        ({"budgets": {"/healthz": {}}}, f'{PATH}.budgets./healthz: a route starts with "/" and does not end in "z"'),
        ({"budgets": {"/": {"bytes_max": float("inf")}}}, f"{PATH}.budgets./.bytes_max: must be a number above 0"),
        ({"budgets": {"/": 5}}, f"{PATH}.budgets./: must be an object; {{}} is the usual budget"),
        ({"budgets": {"/": {"bytes": 5}}}, f"{PATH}.budgets./.bytes: unknown field"),
        ({"budgets": {"/": {"bytes_max": 0}}}, f"{PATH}.budgets./.bytes_max: must be a number above 0"),
        ({"budgets": {"/": {"bytes_max": True}}}, f"{PATH}.budgets./.bytes_max: must be a number above 0"),
        (
            {"budgets": {"/": {"load_seconds_max": 5}}},
            f"{PATH}.budgets./.load_seconds_max: must be an object of seconds by line",
        ),
        (
            {"budgets": {"/": {"load_seconds_max": {"5G": 1}}}},
            f"{PATH}.budgets./.load_seconds_max.5G: must be one of slow 4G, 3G, slow 3G, 2G",
        ),
        (
            {"budgets": {"/": {"load_seconds_max": {"2G": "1"}}}},
            f"{PATH}.budgets./.load_seconds_max.2G: must be a number above 0",
        ),
    ],
)
def test_every_mistake_is_named(raw: Any, problem: str) -> None:
    assert read(raw)[1] == [problem]


def test_a_service_carries_its_budgets() -> None:
    row = {"image": "i", "connectivity": {"mode": "warn", "budgets": {"/": {}}}}
    found = load(services={"web": row}).services["web"].connectivity
    assert found == Connectivity(mode=Mode.WARN, budgets={"/": Budget()})
    assert load().services["web"].connectivity is None


def test_a_mistake_in_them_is_one_of_the_environments() -> None:
    assert web_problems(connectivity={"mode": "stop"}) == [f"{PATH}.mode: must be one of off, warn, block"]
