"""Links in the documentation lead somewhere."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CHANGELOG.md", "terraform/README.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_and_paths_in_the_documentation_resolve(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\((?!http|#)([^)#]+)", text)
    paths = re.findall(r"`((?:shared|functions|scripts|docs|tests)/[\w./-]*[\w/])`", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in paths if not (REPOSITORY / path).exists()]
    assert missing == []
