"""A page as a browser that has never seen it gets it: the HTML, and what it needs before it can be used."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    HTML = "html"
    SCRIPT = "script"
    STYLE = "style"
    FONT = "font"
    IMAGE = "image"


class Resource(NamedTuple):
    """One answer of the page's own origin.

    path: with its query; bytes_received: over the wire, headers included; content_bytes: its body as sent;
    encoding: the answer's Content-Encoding, ""; cache_control: as sent, "".
    """

    kind: Kind
    path: str
    status: int
    bytes_received: int
    content_bytes: int = 0
    encoding: str = ""
    cache_control: str = ""


class Page(NamedTuple):
    """One cold load of one route.

    failure: why nothing could be loaded, or ""; location: where the route sends its visitors instead, or "";
    ttfb_ms: median time to the first byte of the HTML, warm, seen from where we asked;
    resources: the HTML first; foreign: what the page needs from other origins, which is not loaded.
    """

    path: str
    failure: str = ""
    location: str = ""
    ttfb_ms: float = 0.0
    resources: tuple[Resource, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def bytes_received(self) -> int:
        return sum(row.bytes_received for row in self.resources)

    @property
    def requests(self) -> int:
        return len(self.resources) + len(self.foreign)

    def bytes_of(self, kind: Kind) -> int:
        return sum(row.bytes_received for row in self.resources if row.kind is kind)
