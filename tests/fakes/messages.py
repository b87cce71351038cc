"""Pub/Sub that keeps what is published."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.errors import Unavailable


@dataclass
class Published:
    topic: str
    data: bytes
    attributes: Mapping[str, str]


@dataclass
class FakeMessages:
    published: list[Published] = field(default_factory=list)
    down: bool = False

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str], ordering_key: str = "") -> None:
        """Refuses what Pub/Sub refuses: https://cloud.google.com/pubsub/quotas#resource_limits."""
        if self.down:
            raise Unavailable("Pub/Sub is down")
        assert len(data) <= 10_000_000
        for name, value in attributes.items():
            assert 0 < len(name.encode()) <= 256
            assert len(value.encode()) <= 1024
        self.published.append(Published(topic, data, attributes))

    def on(self, topic: str) -> list[Published]:
        return [item for item in self.published if item.topic == topic]
