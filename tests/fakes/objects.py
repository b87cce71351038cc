"""Stored objects and their checksums."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import google_crc32c

from shared.backup.stored import Stored
from shared.errors import NotFound


def crc32c(content: bytes) -> str:
    """Base64, as Cloud Storage tells it."""
    return base64.b64encode(int(google_crc32c.value(content)).to_bytes(4, "big")).decode()


@dataclass
class FakeObjects:
    """contents: by bucket, key and generation."""

    contents: dict[tuple[str, str, int], bytes] = field(default_factory=dict)

    def pieces(self, bucket: str, key: str, generation: int, size: int) -> Iterator[bytes]:
        content = self.contents.get((bucket, key, generation))
        if content is None:
            raise NotFound(key)
        for start in range(0, size, 1000):
            yield content[start : min(start + 1000, size)]

    def find(self, bucket: str, key: str) -> Stored | None:
        for (where, name, generation), content in reversed(self.contents.items()):
            if (where, name) == (bucket, key):
                return Stored(generation=generation, size=len(content), crc32c=crc32c(content))
        return None

    def read(self, bucket: str, key: str) -> bytes:
        found = next((data for (b, k, _), data in self.contents.items() if (b, k) == (bucket, key)), None)
        if found is None:
            raise NotFound(key)
        return found

    def sizes(self, bucket: str, keys: Iterable[str]) -> Mapping[str, int]:
        stored = {key: len(data) for (b, key, _), data in self.contents.items() if b == bucket}
        return {key: stored[key] for key in keys if key in stored}

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str, generation: int | None = None) -> str:
        there = (to_bucket, to_key, 1)
        if there not in self.contents:
            found = {number: data for (b, k, number), data in self.contents.items() if (b, k) == (bucket, key)}
            wanted = max(found, default=0) if generation is None else generation
            if wanted not in found:
                raise NotFound(key)
            self.contents[there] = found[wanted]
        return crc32c(self.contents[there])
