"""A rollout as it happens: a line whenever something changed, until it is where one waits for it to be."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from shared.rollout.names import TERMINAL, Phase

LOOK_SECONDS = 0.2


def watch(status: Callable[[], dict[str, Any]], tag: str, until: Phase | None) -> Iterator[str]:
    """Ends when the release `tag` is in the phase `until`, or in any from which no rollout goes on."""
    ends = TERMINAL if until is None else {until}
    told = ""
    while True:
        service = status()["service"]
        ours = str(service["rollout"]).startswith(f"{tag} ")
        line = _line(service) if ours else f"{tag} has no rollout yet" + _why(service)
        if line != told:
            yield line
            told = line
        settled = len(service["serving"]) == 1 or service["phase"] not in TERMINAL  # the record knows it first
        if ours and service["phase"] in ends and settled:
            return
        time.sleep(LOOK_SECONDS)


def _line(service: dict[str, Any]) -> str:
    shares = ", ".join(f"{name} {percent} %" for name, percent in service["serving"].items())
    return f"{service['rollout']}; {shares}"


def _why(service: dict[str, Any]) -> str:
    return f": the service is pinned. {service['pin']}" if service["pin"] else ""
