"""What the person in front of the terminal sees: a live view, or plain lines where there is no terminal."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from scripts.demonstration.outcome import Outcome
from shared.analysis.verdict import Verdict
from shared.rollout.announcement import Announcement, Severity

BAR_CELLS = 40
DECISIONS_SHOWN = 9
FRAMES_PER_SECOND = 4
_STYLES = {Severity.INFO: "white", Severity.WARNING: "yellow", Severity.PAGE: "bold red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the clients saw since they began.

    failed: answered 5xx; dropped: requests without an answer or with one of the splitter's own, and WebSockets that
    ended without being asked to reconnect.
    """

    requests: int = 0
    failed: int = 0
    web_sockets: int = 0
    dropped: int = 0

    def in_words(self) -> str:
        return (
            f"{self.requests:,} requests, {self.failed:,} answered 5xx, {self.web_sockets} WebSockets open, "
            f"{self.dropped:,} dropped"
        )


class Screen(Protocol):
    def begin(self, titles: Mapping[int, str], counts: Callable[[], Counts]) -> None:
        """counts: asked whenever the traffic line is drawn."""

    def said(self, text: str) -> None:
        """A step of the demonstration itself."""

    def scenario(self, number: int, title: str) -> None: ...

    def named(self, revision: str, release: str) -> None:
        """From now on this revision is shown as this release."""

    def split(self, serving: Mapping[str, int], phase: str) -> None: ...

    def measured(self, verdict: Verdict) -> None: ...

    def decided(self, news: Announcement) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...

    def end(self) -> None: ...


class PlainScreen:
    """One line per thing that happens, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._names: dict[str, str] = {}
        self._counts: Callable[[], Counts] | None = None
        self._lock = threading.Lock()

    def begin(self, titles: Mapping[int, str], counts: Callable[[], Counts]) -> None:
        self._counts = counts
        self._line(f"{len(titles)} scenarios: {'; '.join(titles.values())}")

    def said(self, text: str) -> None:
        self._line(text)

    def scenario(self, number: int, title: str) -> None:
        self._line(f"--- {number}. {title}")

    def named(self, revision: str, release: str) -> None:
        self._names[revision] = release

    def split(self, serving: Mapping[str, int], phase: str) -> None:
        shares = ", ".join(f"{self._names.get(name, name)} {percent} %" for name, percent in serving.items())
        self._line(f"traffic: {shares or 'none'}{f' ({phase})' if phase else ''}")

    def measured(self, verdict: Verdict) -> None:
        """Evidence comes every second; the decisions quote what mattered."""

    def decided(self, news: Announcement) -> None:
        self._line(f"{news.kind}: {news.text}")

    def finished(self, outcome: Outcome) -> None:
        verdict = "as expected" if outcome.as_expected else f"DIFFERENT: {outcome.different}"
        self._line(f"=== {outcome.number}. {outcome.outcome}, {verdict}")
        if self._counts is not None:
            self._line(f"traffic so far: {self._counts().in_words()}")

    def end(self) -> None:
        """Nothing is held back that would have to be shown now."""

    def _line(self, text: str) -> None:
        with self._lock:
            self._console.print(f"{time.monotonic() - self._started:6.1f} s  {text}", markup=False, soft_wrap=True)


class LiveScreen:
    """Scenarios, split, evidence and the newest decisions, drawn anew a few times a second."""

    def __init__(self, console: Console) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._titles: Mapping[int, str] = {}
        self._counts: Callable[[], Counts] | None = None
        self._current = 0
        self._outcomes: dict[int, Outcome] = {}
        self._names: dict[str, str] = {}
        self._serving: Mapping[str, int] = {}
        self._phase = ""
        self._verdict: Verdict | None = None
        self._saying = ""
        self._decisions: deque[tuple[float, Announcement]] = deque(maxlen=DECISIONS_SHOWN)
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=FRAMES_PER_SECOND)

    def begin(self, titles: Mapping[int, str], counts: Callable[[], Counts]) -> None:
        self._titles, self._counts = titles, counts
        self._live.start()

    def said(self, text: str) -> None:
        if self._live.is_started:
            self._saying = text
        else:
            self._live.console.print(f"[dim]{text}[/]")

    def scenario(self, number: int, title: str) -> None:
        self._current, self._saying, self._verdict = number, title, None

    def named(self, revision: str, release: str) -> None:
        self._names[revision] = release

    def split(self, serving: Mapping[str, int], phase: str) -> None:
        self._serving, self._phase = serving, phase

    def measured(self, verdict: Verdict) -> None:
        self._verdict = verdict

    def decided(self, news: Announcement) -> None:
        with self._lock:
            self._decisions.append((time.monotonic() - self._started, news))

    def finished(self, outcome: Outcome) -> None:
        self._outcomes[outcome.number] = outcome

    def end(self) -> None:
        self._live.stop()

    def _draw(self) -> RenderableType:
        rule = Rule(style="dim")
        parts = Group(self._scenarios(), rule, self._bars(), self._evidence(), rule, self._decided())
        elapsed = time.monotonic() - self._started
        title = f"PushNchat delivery on a local cloud, {elapsed:.0f} s"
        return Panel(parts, title=title, subtitle=self._saying[:90], border_style="blue")

    def _scenarios(self) -> Table:
        grid = Table.grid(padding=(0, 2), expand=True)
        cells = [self._scenario_cell(number, title) for number, title in self._titles.items()]
        half = (len(cells) + 1) // 2
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        for row in range(half):
            grid.add_row(*cells[row::half])
        return grid

    def _scenario_cell(self, number: int, title: str) -> Text:
        outcome = self._outcomes.get(number)
        if outcome is not None:
            mark, style = ("✓", "green") if outcome.as_expected else ("✗", "bold red")
            took = "" if outcome.seconds is None else f"  {outcome.seconds_text} s"
            return Text(f"{mark} {number:2} {title}{took}", style=style)
        if number == self._current:
            return Text(f"▶ {number:2} {title}", style="bold cyan")
        return Text(f"  {number:2} {title}", style="dim")

    def _bars(self) -> Table:
        grid = Table.grid(padding=(0, 1))
        serving = dict(self._serving)
        for name, percent in sorted(serving.items(), key=lambda item: (-item[1], item[0])):
            filled = round(percent * BAR_CELLS / 100) or 1
            bar = Text("█" * filled, style="green" if percent > 50 else "cyan")
            bar.append("░" * (BAR_CELLS - filled), style="dim")
            grid.add_row(Text(self._names.get(name, name), style="bold"), bar, f"{percent:3} %")
        for _ in range(2 - len(serving)):
            grid.add_row("")
        return grid

    def _evidence(self) -> Group:
        """Two lines, always there so that the picture does not jump."""
        counts = self._counts().in_words() if self._counts else ""
        verdict = self._verdict
        seen = Text("evidence  none yet", style="dim")
        if verdict is not None:
            seen = Text(
                f"evidence  {verdict.health}: {verdict.reason}",
                no_wrap=True,
                overflow="ellipsis",
            )
        traffic = Text(f"traffic   {counts}{f'; rollout {self._phase}' if self._phase else ''}", style="dim")
        return Group(traffic, seen)

    def _decided(self) -> Table:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(justify="right", style="dim", no_wrap=True)
        grid.add_column()
        with self._lock:
            decisions = list(self._decisions)
        for at, news in decisions:
            grid.add_row(f"{at:.0f} s", Text(news.text, style=_STYLES[news.severity]))
        return grid
