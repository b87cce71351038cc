"""What is pure is worked out once: a delivery that failed comes again, and every check reads the catalogue."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

from shared.backup import catalogue
from shared.backup.names import ExportName
from shared.events import verdict
from shared.events.message import Message
from shared.rollout.observations import Judged


@contextmanager
def verdicts_parsed_once() -> Iterator[None]:
    """By their data, which alone says what a verdict is."""
    parse = verdict.parse
    known: dict[bytes, Judged] = {}

    def parsed_once(message: Message) -> Judged:
        if message.data not in known:
            known[message.data] = parse(message)
        return known[message.data]

    with patch.object(verdict, "parse", parsed_once):
        yield


@contextmanager
def entries_decoded_once() -> Iterator[None]:
    """By their bytes, and exports' names by their text."""
    decoded, parsed = cache(catalogue.decode), cache(ExportName.parse)
    with patch.object(catalogue, "decode", decoded), patch.object(ExportName, "parse", parsed):
        yield
