"""Draws the phases of a rollout from the transition table into docs/explanation/rollout.md.

scripts/draw_phases.py            write the picture
scripts/draw_phases.py --check    only say whether it is out of date; exit 1 if so
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared.rollout.names import TERMINAL, Phase
from shared.rollout.table import TRANSITIONS

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "rollout.md"
_START, _END = "<!-- drawn from shared/rollout/table.py -->\n", "<!-- end of the drawing -->\n"


def drawing() -> str:
    """The table as a Mermaid state diagram; causes that lead the same way share an arrow."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Phase.PREPARING}"]
    for phase, row in TRANSITIONS.items():
        arrows: dict[Phase, list[str]] = {}
        for cause, to in row.items():
            arrows.setdefault(to, []).append(cause.replace("_", " "))
        lines += [f"    {phase} --> {to}: {', '.join(causes)}" for to, causes in arrows.items()]
    lines += [f"    {phase} --> [*]" for phase in Phase if phase in TERMINAL]
    return "\n".join([*lines, "```"]) + "\n"


def drawn(page: str) -> str:
    """The page with today's drawing in its place."""
    head, _, rest = page.partition(_START)
    _, _, tail = rest.partition(_END)
    return head + _START + drawing() + _END + tail


def main() -> int:
    """The exit code: 1 when --check found the drawing out of date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing")
    page = PAGE.read_text()
    stale = drawn(page) != page
    if parser.parse_args().check:
        print(f"{PAGE.name} is {'out of date' if stale else 'up to date'}")
        return int(stale)
    PAGE.write_text(drawn(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
