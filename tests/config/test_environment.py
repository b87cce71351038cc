"""The environment's configuration: every problem at once, each with its field."""

import json
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from shared.config.environment import InvalidEnvironment, load_environment
from shared.rollout.strategy import OnNewer, Strategy

GOOD: dict[str, Any] = {
    "name": "dev",
    "project": "pushnchat-dev",
    "region": "africa-south1",
    "ledger_bucket": "pushnchat-dev-ledger",
    "services": {"web": {"image": "africa-south1-docker.pkg.dev/p/apps/web"}},
}


def load(**changes: Any) -> Any:
    return load_environment(json.dumps({**GOOD, **changes}))


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidEnvironment) as error:
        load_environment(text)
    return error.value.problems


def web_problems(**row: Any) -> list[str]:
    return problems(json.dumps({**GOOD, "services": {"web": {"image": "i", **row}}}))


@pytest.mark.parametrize("text", ["{", '{"a":' * 100_000, '{"services": ' + "9" * 5000 + "}"])
def test_what_json_cannot_read_is_named(text: str) -> None:
    [problem] = problems(text)
    assert problem.startswith("DELIVERY_ENVIRONMENT: not JSON: ")


def test_a_short_file_gets_every_default() -> None:
    environment = load()
    assert environment.services["web"].strategy == Strategy()
    assert environment.services["web"].probe_paths == ("/health/ready",)


def test_every_knob_of_the_strategy_can_be_set() -> None:
    row = {
        "steps": [1, 99],
        "step_bake_time_seconds": 2.5,
        "on_newer": "queue",
        "false_rollback_risk": 0.05,
        "harm_points_max": 2,
        "first_share_by_traffic": False,
    }
    strategy = load(services={"web": {"image": "i", "strategy": row}}).services["web"].strategy
    assert strategy == Strategy(
        steps=(1, 99),
        step_bake_time=timedelta(seconds=2.5),
        on_newer=OnNewer.QUEUE,
        false_rollback_risk=0.05,
        harm_points_max=2.0,
        first_share_by_traffic=False,
    )


def test_every_field_of_a_service_is_kept() -> None:
    row = {"image": "i", "deploy_tags": "v[0-9]+", "deploys_on": "build", "probe_paths": ["/up", "/"]}
    service = load(services={"web": row}).services["web"]
    assert (service.name, service.image) == ("web", "i")
    assert (service.deploy_tags, service.deploys_on, service.probe_paths) == ("v[0-9]+", "build", ("/up", "/"))
    usual = load().services["web"]
    assert (usual.deploy_tags, usual.deploys_on, usual.backup_age_max) == (".+", "push", timedelta(hours=30))
    assert load().name == "dev"


def test_the_least_and_the_most_of_a_knob_are_taken() -> None:
    row = {"step_bake_time_seconds": 0, "verify_deadline_seconds": 0.5, "latency_ms_min": 59_999}
    strategy = load(services={"web": {"image": "i", "strategy": row}}).services["web"].strategy
    assert (strategy.step_bake_time, strategy.latency_ms_min) == (timedelta(), 59_999)
    web = {"image": "i", "backup_age_max_seconds": 1}
    assert load(services={"web": web}).services["web"].backup_age_max == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"on_newer": "later"}, "on_newer: must be one of supersede, queue"),
        ({"harm_points_max": 0}, "harm_points_max: must be a number above 0 and below 100"),
        ({"proof_time_seconds": -1}, "proof_time_seconds: must be a number of seconds, 0 or more"),
        ({"steps": [5, 5]}, "steps: must be ascending whole percents from 1 to 99"),
    ],
)
def test_a_knob_says_what_it_must_be(row: dict[str, Any], problem: str) -> None:
    assert web_problems(strategy=row) == [f"services.web.strategy.{problem}"]


def test_all_problems_are_one_error() -> None:
    with pytest.raises(InvalidEnvironment) as error:
        load(services={"web": {"image": "", "x": 1}})
    assert str(error.value) == ("services.web.x: unknown field; services.web.image: must be a text that is not empty")


def test_no_services_are_a_problem_of_their_own() -> None:
    text = json.dumps({name: value for name, value in GOOD.items() if name != "services"})
    assert problems(text) == ["services: must be an object with at least one service"]


def test_a_service_names_the_database_its_releases_migrate() -> None:
    web = {"image": "i", "database": "chat/app", "backup_age_max_seconds": 3600}
    backups = {"bucket": "exports", "instances": {"chat": ["app"]}}
    environment = load(services={"web": web}, backups=backups)
    assert environment.services["web"].database == ("chat", "app")
    assert environment.services["web"].backup_age_max == timedelta(hours=1)
    assert load().services["web"].database is None


@pytest.mark.parametrize("knob", fields(Strategy), ids=lambda knob: knob.name)
def test_a_wrong_value_of_any_knob_names_its_field(knob: Any) -> None:
    name = f"{knob.name}_seconds" if isinstance(knob.default, timedelta) else knob.name
    [problem] = web_problems(strategy={name: "soon"})
    assert problem.startswith(f"services.web.strategy.{name}: must be")


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"strategy": {"steps": [50, 5]}}, "services.web.strategy.steps"),
        ({"strategy": {"steps": [5, 100]}}, "services.web.strategy.steps"),
        ({"strategy": {"steps": []}}, "services.web.strategy.steps"),
        ({"strategy": {"steps": [True]}}, "services.web.strategy.steps"),
        ({"strategy": {"false_rollback_risk": 1}}, "services.web.strategy.false_rollback_risk"),
        ({"strategy": {"step_bake_time_seconds": -1}}, "services.web.strategy.step_bake_time_seconds"),
        ({"strategy": {"speed": 1}}, "services.web.strategy.speed"),
        ({"strategy": []}, "services.web.strategy"),
        ({"image": ""}, "services.web.image"),
        ({"deploy_tags": "("}, "services.web.deploy_tags"),
        ({"deploys_on": "friday"}, "services.web.deploys_on"),
        ({"deploys_on": 5}, "services.web.deploys_on"),
        ({"probe_paths": ["/healthz"]}, "services.web.probe_paths"),
        ({"probe_paths": "/x"}, "services.web.probe_paths"),
        ({"probe_paths": "/"}, "services.web.probe_paths"),
        ({"probe_paths": []}, "services.web.probe_paths"),
        ({"deploy_tags": ""}, "services.web.deploy_tags"),
        ({"deploy_tags": "v[0-9"}, "services.web.deploy_tags"),
        ({"colour": "red"}, "services.web.colour"),
        ({"strategy": {"latency_ms_min": 60000}}, "services.web.strategy.latency_ms_min"),
        ({"strategy": {"harm_points_max": 100}}, "services.web.strategy.harm_points_max"),
        ({"database": "chat/app"}, "services.web.database"),
        ({"database": ["chat", "app"]}, "services.web.database"),
        ({"backup_age_max_seconds": 0}, "services.web.backup_age_max_seconds"),
        ({"backup_age_max_seconds": "a day"}, "services.web.backup_age_max_seconds"),
    ],
)
def test_a_problem_names_its_field(row: dict[str, Any], field: str) -> None:
    assert [problem.partition(": ")[0] for problem in web_problems(**row)] == [field]


def test_every_problem_is_told_at_once() -> None:
    text = json.dumps({"project": 7, "planet": "earth", "services": {"web": []}})
    assert {problem.partition(":")[0] for problem in problems(text)} == {
        "name",
        "planet",
        "project",
        "region",
        "ledger_bucket",
        "services.web",
        "services.web.image",
    }


@pytest.mark.parametrize(
    ("text", "field"),
    [("{", "DELIVERY_ENVIRONMENT"), ("[]", "DELIVERY_ENVIRONMENT"), ('{"services": {}}', "services")],
)
def test_what_is_not_a_configuration_says_so(text: str, field: str) -> None:
    assert any(problem.startswith(f"{field}: ") for problem in problems(text))


def test_backups_name_bucket_instances_and_times() -> None:
    instances = {"chat": ["app", "logs"]}
    backups = load(backups={"bucket": "b", "instances": instances, "period_seconds": 3600}).backups
    assert (backups.bucket, backups.instances) == ("b", {"chat": ("app", "logs")})
    assert (backups.period, backups.patience) == (timedelta(hours=1), timedelta(hours=2))
    assert load().backups is None


def known(rows: Any) -> dict[str, Any]:
    return {"bucket": "b", "instances": {"chat": ["a"]}, "databases": rows}


def test_two_databases_are_known_apart() -> None:
    rows = {
        "chat/a": {"append_only": ["public.m"], "volatile": ["public.q"], "age_max_seconds": 3600},
        "chat/b": {"retired": ["public.old"], "extensions": ["vector"], "log_days": 7},
    }
    backups = load(backups={"bucket": "b", "instances": {"chat": ["a", "b", "c"]}, "databases": rows}).backups
    a, b, c = (backups.database("chat", name) for name in ("a", "b", "c"))
    assert (a.append_only, a.volatile, a.retired, a.age_max) == ({"public.m"}, {"public.q"}, set(), timedelta(hours=1))
    assert (b.append_only, b.retired, b.extensions, b.log_days) == (set(), {"public.old"}, {"vector"}, 7)
    assert b.age_max == c.age_max == timedelta(hours=30)


def test_a_drill_says_what_a_restored_database_must_show() -> None:
    row = {"newest_row": "SELECT max(at) FROM messages", "checks": {"users": "SELECT count(*) > 0 FROM users"}}
    backups = load(backups=known({"chat/a": {**row, "recovery_point_seconds": 3600}})).backups
    assert backups.databases == (("chat", "a"),)
    found = backups.database("chat", "a")
    assert (found.newest_row, found.checks) == (row["newest_row"], row["checks"])
    assert (found.objectives.recovery_point, found.objectives.recovery_time) == (timedelta(hours=1), timedelta(hours=1))
    fast = load(backups=known({"chat/a": {"recovery_time_seconds": 0.5}})).backups.database("chat", "a")
    assert (fast.objectives.recovery_point, fast.objectives.recovery_time) == (
        timedelta(hours=30),
        timedelta(seconds=0.5),
    )
    assert (fast.newest_row, fast.checks, fast.log_days) == ("", {}, 0)
    assert backups.database("chat", "other") == type(found)()


@pytest.mark.parametrize(
    ("backups", "field"),
    [
        ([], "backups"),
        ({"bucket": "", "instances": {"chat": ["app"]}}, "backups.bucket"),
        ({"bucket": "b"}, "backups.instances"),
        ({"bucket": "b", "instances": {}}, "backups.instances"),
        ({"bucket": "b", "instances": ["chat"]}, "backups.instances"),
        ({"bucket": "b", "instances": {"Chat": ["app"]}}, "backups.instances.Chat"),
        ({"bucket": "b", "instances": {"chat": []}}, "backups.instances.chat"),
        ({"bucket": "b", "instances": {"chat": ["a/b"]}}, "backups.instances.chat"),
        ({"bucket": "b", "instances": {"chat": ["a"]}, "patience_seconds": 0}, "backups.patience_seconds"),
        (known({"chat/a": {"append_only": "public.users"}}), "backups.databases.chat/a.append_only"),
        (known({"chat/a": {"append_only": [""]}}), "backups.databases.chat/a.append_only"),
        (known({"chat/a": {"append_only": [7]}}), "backups.databases.chat/a.append_only"),
        (known({"chat/a": {"log_days": True}}), "backups.databases.chat/a.log_days"),
        (known({"chat/a": {"age_max_seconds": -1}}), "backups.databases.chat/a.age_max_seconds"),
        ({"bucket": "b", "instances": {"chat": ["a"]}, "nights": 1}, "backups.nights"),
        (known([]), "backups.databases"),
        (known({"chat/b": {}}), "backups.databases.chat/b"),
        (known({"chat/a": 3}), "backups.databases.chat/a"),
        (known({"chat/a": {"newest": ""}}), "backups.databases.chat/a.newest"),
        (known({"chat/a": {"newest_row": 3}}), "backups.databases.chat/a.newest_row"),
        (known({"chat/a": {"checks": ["SELECT 1"]}}), "backups.databases.chat/a.checks"),
        (known({"chat/a": {"checks": {"users": ""}}}), "backups.databases.chat/a.checks"),
        (known({"chat/a": {"recovery_time_seconds": 0}}), "backups.databases.chat/a.recovery_time_seconds"),
    ],
)
def test_a_problem_of_the_backups_names_its_field(backups: Any, field: str) -> None:
    [problem] = problems(json.dumps({**GOOD, "backups": backups}))
    assert problem.startswith(f"{field}: ")


def test_the_freeze_may_lie_beside_the_ledger() -> None:
    assert load().control_bucket == ""
    assert load(control_bucket="pushnchat-dev-control").control_bucket == "pushnchat-dev-control"
    assert problems(json.dumps({**GOOD, "control_bucket": ""})) == ["control_bucket: must be a text that is not empty"]
