"""Every gcloud command that a page tells people to paste is one that gcloud knows, with flags that it has."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tools
from tests.conformance.gcloud import SETTINGS

REPOSITORY = Path(__file__).parents[2]
PAGES = [*sorted((REPOSITORY / "docs").rglob("*.md")), REPOSITORY / "terraform" / "README.md"]
START = re.compile(r"(?<![\w$/-])gcloud ")
ENDS = frozenset("|;&<>\n")
# A time and a project are both well formed where the shell would put them.
SUBSTITUTED = (
    (re.compile(r"\$\(date[^)]*\)"), "2026-01-01T00:00:00Z"),
    (re.compile(r"\$\((?:[^()]|\([^()]*\))*\)"), "1234567890"),
    (re.compile(r"\"?\$\{?[A-Z]+(?:%%/\*)?\}?\"?"), "pushnchat-dev"),
)


def commands(text: str) -> Iterator[str]:
    """The gcloud commands of a page's shell blocks, each on one line, with values where variables were."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE):
        shell = block.replace("\\\n", " ")
        for pattern, value in SUBSTITUTED:
            shell = pattern.sub(value, shell)
        for start in START.finditer(shell):
            yield " ".join(shell[start.start() : _end(shell, start.start())].split())


def _end(shell: str, index: int) -> int:
    """Where the command ends: at an operator outside quotes, or where the substitution it stands in is closed."""
    quote = ""
    while index < len(shell):
        character = shell[index]
        if quote:
            index += character == "\\" and quote == '"'
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in ENDS or character == ")":
            return index
        index += 1
    return index


def test_gcloud_knows_every_command_and_its_flags(tmp_path: Path) -> None:
    gcloud = tools.gcloud()
    found = {command: page.name for page in PAGES for command in commands(page.read_text())}
    assert len(found) > 80
    file = tmp_path / "commands.json"
    file.write_text(json.dumps([{"command_string": command} for command in found]))
    done = subprocess.run(
        [gcloud, "meta", "lint-gcloud-commands", f"--commands-file={file}"],
        env={**os.environ, **SETTINGS, "CLOUDSDK_CONFIG": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "Invalid choice: 'lint-gcloud-commands'" in done.stderr:
        pytest.fail("this gcloud cannot lint commands: update it, or the pages' commands are not checked at all")
    wrong = [
        f"{page}: {command}: {str(row['error_message']).splitlines()[0]}"
        for (command, page), row in zip(found.items(), json.loads(done.stdout), strict=True)
        if not row["success"]
    ]
    assert wrong == []


def test_a_command_ends_where_the_shell_ends_it() -> None:
    text = (
        "```sh\nA=$(gcloud projects list --filter='a|b' --format=json) && echo x\ngcloud a \\\n  --b=$P | tail\n```\n"
    )
    assert list(commands(text)) == ["gcloud a --b=pushnchat-dev"]
    assert list(commands("```sh\ngcloud b --c='x; y' ; gcloud d > f\n```\n")) == ["gcloud b --c='x; y'", "gcloud d"]
