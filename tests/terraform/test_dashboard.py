"""The dashboard fits, answers its four questions, and aligns each series to what it counts."""

import json
from collections.abc import Mapping
from typing import Any

from tests.terraform.stand import Root

CONTENTS = {"text", "logsPanel", "incidentList", "xyChart", "scorecard"}


def layout(root: Root) -> Mapping[str, Any]:
    [row] = root.of("google_monitoring_dashboard").values()
    found: Mapping[str, Any] = json.loads(row["dashboard_json"])["mosaicLayout"]
    return found


def widgets(root: Root) -> dict[str, Mapping[str, Any]]:
    return {tile["widget"]["title"]: tile["widget"] for tile in layout(root)["tiles"]}


def query(widget: Mapping[str, Any]) -> Mapping[str, Any]:
    holder = widget["xyChart"]["dataSets"][0] if "xyChart" in widget else widget["scorecard"]
    found: Mapping[str, Any] = holder["timeSeriesQuery"]["timeSeriesFilter"]
    return found


def test_tiles_do_not_overlap_and_each_holds_one_thing(environment: Root) -> None:
    whole = layout(environment)
    taken: set[tuple[int, int]] = set()
    for tile in whole["tiles"]:
        cells = {
            (x, y)
            for x in range(tile["xPos"], tile["xPos"] + tile["width"])
            for y in range(tile["yPos"], tile["yPos"] + tile["height"])
        }
        assert not cells & taken, tile["widget"]["title"]
        assert max(x for x, _ in cells) < whole["columns"]
        taken |= cells
        assert len(tile["widget"].keys() & CONTENTS) == 1
        assert None not in tile["widget"].values()
    assert len(widgets(environment)) == len(whole["tiles"]), "no two have one title"


def test_what_counts_as_a_backup_is_what_the_alert_takes_for_one(environment: Root) -> None:
    counted = query(widgets(environment)["Exports to rely on, verified or accepted, a day (no bar: none)"])
    assert 'metric.labels.kind=one_of("export.verified","export.accepted")' in counted["filter"]


def test_it_answers_its_questions(environment: Root) -> None:
    titles = set(widgets(environment))
    configured = environment.output("configuration")["whole"]
    wanted = {
        "Where to look next",
        "Open alerts; each carries its runbook",
        "The last rollouts, in words",
        "The last exports and drills, in words",
        "What rollouts told",
        "Functions: dead letters that wait",
        "Functions: age of the oldest message not taken, s",
        "Functions: answers that ask for the message again or crash",
        "Functions: 99th percentile of latency, ms",
        "Exports to rely on, verified or accepted, a day (no bar: none)",
        "Restore drills a day, by outcome",
        "Databases: CPU",
        "Databases: disk",
        "Databases: connections",
    }
    for service in configured["services"]:
        wanted |= {
            f"{service}: availability, error budget left",
            f"{service}: latency, error budget left",
            f"{service}: availability, share of good requests",
            f"{service}: latency, share of good requests",
            f"{service}: share of checks from outside that pass",
            f"{service}: requests by answer",
            f"{service}: requests by revision (a rollout is the second colour)",
            f"{service}: 95th percentile of latency by revision, sockets left out, ms",
            f"{service}: instances by revision",
        }
    assert titles == wanted


def test_rollouts_and_backups_are_told_apart(environment: Root) -> None:
    found = widgets(environment)
    assert 'metric.labels.service!="backups"' in query(found["What rollouts told"])["filter"]
    assert 'NOT jsonPayload.service="backups"' in found["The last rollouts, in words"]["logsPanel"]["filter"]
    assert 'jsonPayload.service="backups"' in found["The last exports and drills, in words"]["logsPanel"]["filter"]


def test_what_happens_once_a_day_is_counted_by_the_day(environment: Root) -> None:
    found = widgets(environment)
    for title in found:
        if " a day" in title:
            assert query(found[title])["aggregation"]["alignmentPeriod"] == "86400s"


def test_latency_leaves_sockets_out(environment: Root) -> None:
    found = [query(widget) for title, widget in widgets(environment).items() if "95th" in title]
    assert all('response_code_class!="1xx"' in row["filter"] for row in found)


def test_the_links_lead_to_this_environment(environment: Root) -> None:
    project = environment.output("configuration")["whole"]["project"]["id"]
    text = widgets(environment)["Where to look next"]["text"]
    assert text["format"] == "MARKDOWN"
    assert text["content"].count(f"?project={project})") >= 6
    assert "/docs/runbooks)" in text["content"]
