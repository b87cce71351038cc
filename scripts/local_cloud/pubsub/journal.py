"""What a Pub/Sub server promised, on disk before it says so: a server that is killed and started again owes the same.

One JSON object per line, only ever appended: {"topic": name, "resource": …}, {"subscription": name, "topic": …,
"resource": …}, {"gone": name}, {"published": topic, "messages": […]}, {"done": subscription, "ids": […]}. Leases and
counts of attempts are not kept: what was out when the server died is delivered again, as a first attempt.
"""

import base64
import json
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from scripts.local_cloud.pubsub.backlog import StoredMessage


@dataclass(slots=True, kw_only=True)
class Remains:
    """What a journal leaves: resources as protobuf bytes by name, and what each subscription owes, in its order.

    published: how many messages each topic took. A subscription's filter is not applied yet.
    """

    topics: dict[str, bytes] = field(default_factory=dict)
    subscriptions: dict[str, bytes] = field(default_factory=dict)
    published: Counter[str] = field(default_factory=Counter)
    owed: dict[str, dict[str, StoredMessage]] = field(default_factory=dict)
    _topic_of: dict[str, str] = field(default_factory=dict)

    def follow(self, entry: dict[str, Any]) -> None:
        match entry:
            case {"subscription": name, "topic": topic, "resource": resource}:
                self.subscriptions[name], self._topic_of[name] = base64.b64decode(resource), topic
                self.owed.setdefault(name, {})
            case {"topic": name, "resource": resource}:
                self.topics[name] = base64.b64decode(resource)
            case {"gone": name}:
                kept: tuple[dict[str, Any], ...] = (self.topics, self.subscriptions, self.owed, self._topic_of)
                for rows in kept:
                    rows.pop(name, None)
                self.published.pop(name, None)
            case {"published": topic, "messages": messages}:
                stored = [_read(message) for message in messages]
                self.published[topic] += len(stored)
                for name in [name for name, its in self._topic_of.items() if its == topic]:
                    self.owed[name] |= {message.id: message for message in stored}
            case {"done": name, "ids": ids}:
                for one in ids:
                    self.owed.get(name, {}).pop(one, None)
            case unknown:
                raise ValueError(f"no entry of a journal: {unknown!r}")


class Journal:
    """Safe to use from many threads; every method returns when the entry survives the process (not the machine)."""

    def __init__(self, path: Path) -> None:
        """Goes on where the file ends; an entry that was never finished was never answered, and is cut off."""
        whole = path.read_bytes().rpartition(b"\n") if path.exists() else (b"", b"", b"")
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.ftruncate(self._file, len(whole[0]) + len(whole[1]))

    def close(self) -> None:
        os.close(self._file)

    def topic(self, resource: Any) -> None:
        self._append({"topic": resource.name, "resource": _text(resource.SerializeToString())})

    def subscription(self, resource: Any) -> None:
        whole = _text(resource.SerializeToString())
        self._append({"subscription": resource.name, "topic": resource.topic, "resource": whole})

    def gone(self, name: str) -> None:
        self._append({"gone": name})

    def published(self, topic: str, messages: Iterable[StoredMessage]) -> None:
        self._append({"published": topic, "messages": [_written(message) for message in messages]})

    def done(self, subscription: str, ids: Sequence[str]) -> None:
        self._append({"done": subscription, "ids": list(ids)})

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._file, line) :]


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """Those that were finished; none where there is no journal."""
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else ():
        yield json.loads(line)


def remains(path: Path) -> Remains:
    found = Remains()
    for entry in entries(path):
        found.follow(entry)
    return found


def _written(message: StoredMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "at": message.published_at.isoformat(),
        "data": _text(message.data),
        "attributes": dict(message.attributes),
        "key": message.ordering_key,
    }


def _read(row: dict[str, Any]) -> StoredMessage:
    return StoredMessage(
        id=row["id"],
        published_at=datetime.fromisoformat(row["at"]),
        data=base64.b64decode(row["data"]),
        attributes=row["attributes"],
        ordering_key=row["key"],
    )


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
