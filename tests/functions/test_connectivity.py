"""The connectivity gate in a whole delivery: the canary's pages before any user meets them, beside stable's."""

import pytest

from shared.connectivity.budget import Budget, Connectivity, Mode
from shared.connectivity.page import Kind, Page, Resource
from tests.fakes.cloud import FakeCloud, environment
from tests.functions.world import World, deployed

STABLE = "web-00001-aaa"


def page(script_bytes: int) -> Page:
    html = Resource(Kind.HTML, "/", 200, 4_000, 3_700, "gzip")
    script = Resource(Kind.SCRIPT, "/app.js", 200, script_bytes, script_bytes - 300, "gzip")
    return Page("/", ttfb_ms=30.0, resources=(html, script))


def started(mode: Mode, canary: Page) -> World:
    """A canary that is ready, on a service whose route / has the usual budget."""
    world = deployed()
    budgets = Connectivity(mode=mode, budgets={"/": Budget()})
    world.cloud.environment = environment(connectivity=budgets)
    world.push("b")
    world.ready()
    tags = world.cloud.services.get("web").tag_uris
    world.cloud.prober.pages = {(tags["canary"], "/"): canary, (tags["stable"], "/"): page(60_000)}
    return world


def test_a_light_page_goes_on_and_its_figures_are_told() -> None:
    world = started(Mode.BLOCK, page(61_000))
    world.tick()
    assert world.cloud.services.percents("web")[world.canary] > 0
    assert any("/ is 65,000 bytes in 2 requests" in text for text in texts(world.cloud))


def test_a_heavy_page_meets_no_user_and_the_release_is_taken_back_for_it() -> None:
    world = started(Mode.BLOCK, page(300_000))
    for _ in range(15):
        world.tick()
    assert world.record.rollout
    assert world.record.rollout.phase == "rolled_back"
    assert "/ sends 304,000 bytes, 200,000 are allowed" in world.record.known_bad[-1].reason
    canaries = {row.revision for write in world.cloud.services.writes for row in write.traffic if row.percent}
    assert canaries == {STABLE}


def test_where_it_only_warns_a_heavy_page_goes_on_and_the_limits_are_told() -> None:
    world = started(Mode.WARN, page(300_000))
    world.tick()
    assert world.cloud.services.percents("web")[world.canary] > 0
    assert any("/ grew by 375 %" in text and "200,000 are allowed" in text for text in texts(world.cloud))


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.BLOCK])
def test_pages_are_loaded_only_where_that_is_wanted_and_only_before_the_first_traffic(mode: Mode) -> None:
    world = started(mode, page(61_000))
    world.tick()
    asked = len(world.cloud.prober.loaded)
    assert asked == (0 if mode is Mode.OFF else 2)
    world.tick()
    assert len(world.cloud.prober.loaded) == asked


def texts(cloud: FakeCloud) -> list[str]:
    return [item.data.decode() for item in cloud.messages.published if item.topic == "rollout-events"]
