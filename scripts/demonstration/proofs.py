"""What each step of the backups' demonstration proved, and the table it ends with."""

from dataclasses import dataclass

from rich import box
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One row: what was done, what came of it, and what shows it. different: why it is not as expected, or ""."""

    what: str
    outcome: str
    shown: str
    seconds: float
    different: str = ""


def table(proofs: list[Proof]) -> Table:
    drawn = Table(box=box.SIMPLE, expand=True, title="What was proved", title_justify="left")
    drawn.add_column("#", justify="right")
    drawn.add_column("what", ratio=3)
    drawn.add_column("outcome", ratio=2)
    drawn.add_column("shown by", ratio=6)
    drawn.add_column("seconds", justify="right")
    for number, row in enumerate(proofs, start=1):
        colour = "bold red" if row.different else "green"
        shown = f"[bold red]Expected otherwise: {row.different}[/]" if row.different else row.shown
        drawn.add_row(str(number), row.what, f"[{colour}]{row.outcome}[/]", shown, f"{row.seconds:.1f}")
    return drawn
