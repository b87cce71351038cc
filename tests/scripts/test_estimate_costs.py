"""The estimate follows the configuration, and every line says where its price is from."""

from dataclasses import replace

import pytest

from scripts import estimate_costs
from scripts.configuration import environments
from scripts.configuration.costs.automation import automation
from scripts.configuration.costs.releases import canary, registry
from scripts.configuration.costs.serving import serving, sql_hour
from scripts.configuration.declaration import Configuration
from shared.rollout.strategy import Strategy


def found(name: str) -> Configuration:
    reading = environments.read(name).found
    assert reading is not None
    return reading


@pytest.mark.parametrize("name", environments.names())
def test_every_line_has_a_price_a_reason_and_a_source(name: str) -> None:
    configuration = found(name)
    lines = [*automation(configuration), *serving(configuration, 1.0), *registry(configuration)]
    assert len(lines) >= 18
    for line in lines:
        assert line.dollars > 0 or " free" in line.how, "what costs nothing says why"
        assert line.how
        assert line.source.startswith("https://cloud.google.com/")


def test_an_idle_environment_pays_nothing_for_services_that_scale_to_zero() -> None:
    rows = {line.what: line.dollars for line in serving(found("dev"), 0.0)}
    assert rows["service frontend"] == rows["service backend"] == 0


def test_an_instance_kept_warm_costs_more_than_none() -> None:
    rows = {line.what: line.dollars for line in serving(found("production"), 0.0)}
    assert rows["service backend"] == pytest.approx(1.4 * 2628000 * (0.0000025 + 0.5 * 0.0000025))


def test_a_region_of_the_second_tier_is_dearer() -> None:
    there = found("production")
    here = replace(there, regions=replace(there.regions, serving="europe-west1"))
    of = {line.what: line.dollars for line in serving(there, 1.0)}
    cheaper = {line.what: line.dollars for line in serving(here, 1.0)}
    assert of["service backend"] == pytest.approx(1.4 * cheaper["service backend"])
    assert of["database chat"] == pytest.approx(1.3 * cheaper["database chat"])
    assert of["load balancer"] == cheaper["load balancer"]


def test_a_key_costs_each_month() -> None:
    plain = found("production")
    keys = {region: f"k-{region}" for region in ("africa-south1", "europe-west1", "europe-west3")}
    locked = replace(plain, protection=replace(plain.protection, encryption_keys=keys))
    assert "keys of our own" not in {line.what for line in serving(plain, 1.0)}
    rows = {line.what: line.dollars for line in serving(locked, 1.0)}
    assert rows["keys of our own"] == pytest.approx(3 * 0.06)


def test_a_standby_doubles_the_machine() -> None:
    configuration = found("production")
    alone = replace(configuration.databases["chat"], high_availability=False)
    single = replace(configuration, databases={"chat": alone})
    both = {line.what: line.dollars for line in serving(configuration, 0.0)}["database chat"]
    one = {line.what: line.dollars for line in serving(single, 0.0)}["database chat"]
    assert 1.9 < both / one <= 2


def test_the_price_of_a_machine_is_known_or_refused() -> None:
    assert sql_hour("db-f1-micro") == 0.0105
    assert sql_hour("db-custom-2-7680") == pytest.approx(2 * 0.0413 + 7.5 * 0.0070)
    with pytest.raises(ValueError, match="no price is known for the tier db-perf-optimized-N-2"):
        sql_hour("db-perf-optimized-N-2")


def test_a_canary_costs_cents() -> None:
    lines = list(canary(found("production").services["backend"], Strategy(), "africa-south1"))
    assert 0 < sum(line.dollars for line in lines) < 1


def test_the_report_names_every_part() -> None:
    text = estimate_costs.report(found("production"), 2.0)
    for part in ("The automation, a month", "What it delivers, a month", "One canary of backend", "db-custom-2-7680"):
        assert part in text


def test_terraforms_readme_tells_the_same_figures() -> None:
    text = (environments.REPOSITORY / "terraform" / "README.md").read_text()
    alone, whole = estimate_costs.totals(found("dev"), 0.0)
    rows = {line.what: line.dollars for line in serving(found("dev"), 0.0)}
    balancer, database = rows["load balancer"], rows["database chat"]
    for part in (
        f"An idle dev costs about {whole:.0f} dollars a month: {alone:.0f} for the automation,",
        f"{balancer:.0f} for the load balancer, {database:.0f} for the smallest database.",
    ):
        assert part in text


def test_the_page_is_up_to_date() -> None:
    assert estimate_costs.PAGE.read_text() == estimate_costs.page()
    assert estimate_costs.main(["page", "--check"]) == 0
