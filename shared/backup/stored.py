"""What a bucket says of one of its objects, before anybody reads it."""

from shared.values import value


@value
class Stored:
    """size: bytes; crc32c: base64."""

    generation: int
    size: int
    crc32c: str
