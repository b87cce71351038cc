"""What a bucket says of one of its objects, before anybody reads it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """size: bytes; crc32c: base64."""

    generation: int
    size: int
    crc32c: str
