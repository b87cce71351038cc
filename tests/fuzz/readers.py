"""Everything that reads what others wrote: how it is called, what it may refuse with, and something it takes.

One list for the property tests, which try a little at every test run, and for `scripts/fuzz`, which tries for hours.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from scripts.configuration import documents
from shared.adapters.pages import needs
from shared.backup import acceptance, catalogue, drill_record, restored
from shared.backup.dump import read_dump
from shared.config.environment import InvalidEnvironment, load_environment
from shared.errors import InvalidEvent, InvalidRecord
from shared.events import (
    announcement,
    asset_listing,
    build,
    command,
    deploy_request,
    image_push,
    incident,
    object_written,
    revision_change,
    tick,
    verdict,
)
from shared.events.message import Message
from shared.rollout import codec, freezes
from shared.runtime import envelope
from tests.backup.dumps import GOOD, zipped
from tests.config.test_environment import GOOD as ENVIRONMENT
from tests.events.payloads import message, payload
from tests.functions.world import deployed, digest

PATH = "/projects/p/topics/commands"
NIGHT = datetime(2026, 11, 23, tzinfo=UTC)


class Reader(NamedTuple):
    """read: raises only `refuses`, whatever the bytes; samples: what it takes."""

    read: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...]
    samples: tuple[bytes, ...]


def _event(parse: Callable[[Message], object], *samples: Any, **attributes: str) -> Reader:
    taken = tuple(json.dumps(sample).encode() for sample in samples)
    return Reader(lambda data: parse(message(data, attributes=attributes)), (InvalidEvent,), taken)


def _structured(data: bytes) -> Message:
    """The whole body is a CloudEvent, as Eventarc may send it."""
    return envelope.read({"content-type": "application/cloudevents+json"}, data, "/")


@cache
def readers() -> dict[str, Reader]:
    world = deployed()
    world.push("b")
    record = world.cloud.services.rows["web"].record.encode()
    sent = {item.topic: item.data for item in world.cloud.messages.published}
    order = {"command": "rollback", "service": "web", "by": "ada", "why": "errors", "request_id": "r1"}
    written = {"bucket": "b", "name": "exports/a.sql.gz", "generation": "7", "size": "9", "crc32c": "AAAAAA=="}
    entry = catalogue.encode(_entry())
    word = acceptance.Acceptance(by="ada", why="rooms were dropped", at=NIGHT)
    push = payload("push_wrapped")
    event = {"specversion": "1.0", "id": "1", "type": "t", "source": f"/{PATH}", "data": push}
    listing = {"digest": digest("a"), "files": [{"name": "_next/static/a.js", "size": 1}]}
    return {
        "envelope": Reader(partial(envelope.read, {}, path=PATH), (InvalidEvent,), (json.dumps(push).encode(),)),
        "cloud event": Reader(_structured, (InvalidEvent,), (json.dumps(event).encode(),)),
        "image push": _event(image_push.parse, payload("image_push_tag"), payload("image_delete_tag")),
        "build": _event(build.parse, payload("build_success")),
        "incident": _event(incident.parse, payload("incident_open_cloud_run"), payload("incident_test")),
        "revision change": _event(revision_change.parse, payload("revision_ready")),
        "command": _event(command.parse, order, command="rollback"),
        "tick": _event(tick.parse, {}),
        "object written": _event(object_written.parse, written, eventType="OBJECT_FINALIZE"),
        "deploy request": _event(deploy_request.parse, json.loads(sent["deploy-requests"])),
        "announcement": _event(announcement.parse, json.loads(sent["rollout-events"])),
        "verdict": _event(verdict.parse, json.loads(_verdict())),
        "question": _event(verdict.parse_question, json.loads(_verdict())),
        "asset listing": Reader(
            partial(asset_listing.parse, digest=digest("a")), (InvalidEvent,), (json.dumps(listing).encode(),)
        ),
        "record": Reader(
            lambda data: codec.decode(data.decode("utf-8", "surrogateescape")), (InvalidRecord,), (record,)
        ),
        "freezes": Reader(freezes.decode, (), (b'{"reason": "a weekend"}', freezes.encode(freezes.Freezes()).encode())),
        "catalogue": Reader(catalogue.decode, (InvalidRecord,), (entry,)),
        "acceptance": Reader(acceptance.decode, (InvalidRecord,), (acceptance.encode(word, "k", ()),)),
        "drill": Reader(drill_record.decode_export, (InvalidRecord,), (drill_record.encode_export(_entry()),)),
        "database answer": Reader(
            restored.read, (InvalidRecord,), (b"table,public.a,\r\nrows,public.a,3\r\nnewest,,1764000000.5\r\n",)
        ),
        "dump": Reader(lambda data: read_dump([data]), (), (zipped(GOOD),)),
        "environment": Reader(
            lambda data: load_environment(data.decode("utf-8", "surrogateescape")),
            (InvalidEnvironment,),
            (json.dumps(ENVIRONMENT).encode(),),
        ),
        "configuration file": Reader(partial(documents.parsed, name="common.yaml"), (), (b"a:\n  b: [1, two]\n",)),
        "page": Reader(
            lambda data: needs("http://a.example", "/", data.decode("utf-8", "replace")),
            (ValueError,),
            (b'<link rel="preload" as="script" href="/a.js"><script src="/a.js"></script><img src="b.png">',),
        ),
    }


def found(directory: Path) -> Iterator[tuple[str, Path]]:
    """What once broke a reader, by the reader's name: a file each."""
    for path in sorted(directory.glob("*.bin")):
        yield path.stem.rpartition("-")[0].replace("_", " "), path


def _entry() -> catalogue.Entry:
    from shared.backup.names import ExportName

    report = read_dump([zipped(GOOD)])
    name = ExportName(instance="chat", database="app", night=NIGHT)
    return catalogue.Entry(name=name, bucket="b", generation=7, crc32c="AAAAAA==", verified_at=NIGHT, report=report)


def _verdict() -> bytes:
    from tests.rollout.cases import NOW, STABLE, judged

    data, _ = verdict.encode(judged(STABLE, NOW))
    return data
