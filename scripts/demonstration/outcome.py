"""What each scenario came to, and the table the demonstration ends with."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table


class Different(Exception):
    """Something did not happen as it should; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One row. seconds: from the push (or the fault, or the message) to the decision, None when there is none.

    served_badly: users' requests the release answered 5xx; dropped: requests and WebSockets cut off by the cloud;
    different: why the outcome is not the expected one, or "".
    """

    number: int
    release: str
    outcome: str
    why: str
    seconds: float | None
    served_badly: int
    dropped: int
    different: str = ""

    @property
    def as_expected(self) -> bool:
        return not self.different

    @property
    def seconds_text(self) -> str:
        if self.seconds is None:
            return "-"
        return f"{self.seconds:.2f}" if self.seconds < 1 else f"{self.seconds:.1f}"


def table(outcomes: Sequence[Outcome], *, plain: bool) -> Table:
    """Release, outcome, why, seconds to decision, requests served badly, requests dropped."""
    drawn = Table(box=None if plain else box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("#", justify="right")
    drawn.add_column("release", no_wrap=True)
    drawn.add_column("outcome", no_wrap=True)
    drawn.add_column("why", ratio=1)
    drawn.add_column("seconds", justify="right")
    drawn.add_column("served badly", justify="right")
    drawn.add_column("dropped", justify="right")
    for row in outcomes:
        colour = "green" if row.as_expected else "bold red"
        different = f" [bold red]Expected otherwise: {row.different}[/]" if row.different else ""
        drawn.add_row(
            str(row.number),
            row.release,
            f"[{colour}]{row.outcome}[/]",
            row.why + different,
            row.seconds_text,
            f"{row.served_badly:,}",
            f"{row.dropped:,}",
        )
    return drawn
