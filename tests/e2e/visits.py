"""One visit to the page as a browser makes it: the page, then every script and style that it names."""

import re
from typing import NamedTuple

from requests import Session

_NAMED = re.compile(r'(?:src|href)="(/_next/static/[^"]+)"')


class Visit(NamedTuple):
    """revision: whose page it was; missing: the files it names and nobody had, of `files`."""

    revision: str
    files: int
    missing: tuple[str, ...]


def visit(uri: str) -> Visit:
    """With connections and caches of its own, as a first visit has."""
    with Session() as session:
        page = session.get(f"{uri}/", timeout=30)
        assert page.status_code == 200, page.text
        named = sorted({name.replace("&amp;", "&") for name in _NAMED.findall(page.text)})
        assert named
        missing = tuple(name for name in named if session.get(f"{uri}{name}", timeout=30).status_code != 200)
    return Visit(page.headers["x-revision"], len(named), missing)
