"""A running local cloud's snapshot, as tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def tables(snapshot: Mapping[str, Any]) -> RenderableType:
    """The service and its rollout, revisions, functions, subscriptions and endpoints."""
    return Group(
        _service(snapshot["service"]),
        _revisions(snapshot),
        _functions(snapshot["functions"]),
        _subscriptions(snapshot["pubsub"]),
        _endpoints(snapshot["endpoints"]),
    )


def _table(title: str, *columns: str, counts: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, header_style="dim", no_wrap=True)
    for name in counts:
        table.add_column(name, header_style="dim", justify="right")
    return table


def _service(service: Mapping[str, Any]) -> Group:
    rollout = service["rollout"] or "no rollout"
    lines = [Text(f"{service['name']}  {service['uri']}  {rollout}", style="bold")]
    lines += [Text(f"  {name}: {service[name]}") for name in ("pin", "waiting", "frozen", "edited") if service[name]]
    return Group(*lines, Text())


def _revisions(snapshot: Mapping[str, Any]) -> Group:
    plane, serving = snapshot["data_plane"], snapshot["service"]["serving"]
    table = _table("Revisions", "revision", "state", counts=("%", "2xx", "4xx", "5xx", "WebSockets"))
    for process in plane["processes"]:
        name, service = process["revision"], process["service"]
        requests = plane["requests"].get(service, {}).get(name, {})
        table.add_row(
            name,
            process["state"],
            str(serving.get(name, 0)),
            *(str(requests.get(code, 0)) for code in ("2xx", "4xx", "5xx")),
            str(plane["web_sockets"].get(service, {}).get(name, 0)),
        )
    return Group(table, Text(f"dropped requests: {plane['dropped']}"), Text())


def _functions(functions: Mapping[str, Mapping[str, Any]]) -> Group:
    table = _table("Functions", "function", "url", "process", "log")
    for name, row in functions.items():
        state = str(row["pid"]) if row["running"] else "[red]ended[/]"
        table.add_row(name, row["uri"], state, row["log"])
    return Group(table, Text())


def _subscriptions(pubsub: Mapping[str, Any]) -> Group:
    """Those that were ever given a message; the rest would only hide them."""
    counts = ("delivered", "failed", "dead letters", "waiting", "oldest, s")
    table = _table("Subscriptions", "subscription", "topic", counts=counts)
    for row in pubsub["subscriptions"]:
        if row["delivered"] or row["failed"] or row["backlog"]:
            values = (row["delivered"], row["failed"], row["dead_lettered"], row["backlog"])
            oldest = f"{row['oldest_unacked_seconds']:.0f}"
            table.add_row(_short(row["name"]), _short(row["topic"]), *(f"{value:,}" for value in values), oldest)
    return Group(table, Text())


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _endpoints(endpoints: Mapping[str, str]) -> Table:
    table = _table("Endpoints", "server", "address")
    for name, address in endpoints.items():
        table.add_row(name, address)
    return table
