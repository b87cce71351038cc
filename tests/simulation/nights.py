"""Two nights of exports, checks and drills in memory under one seed, and a quiet third: promise (l)."""

import contextlib
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from shared.backup import catalogue
from shared.backup.names import ExportName
from shared.backup.operations import OperationKind
from shared.config.backups import Backups, Database
from shared.config.environment import Environment
from shared.errors import Unavailable
from shared.runtime.ledger_keys import ledger_key
from tests.simulation.bus import Bus
from tests.simulation.cloud_sql import DRILLS, LANDING, LOCKED, SOURCE, Databases, Objects
from tests.simulation.deployment import CloudRun
from tests.simulation.faults import Fault, Faults
from tests.simulation.happenings import Happening
from tests.simulation.parsing import entries_decoded_once
from tests.simulation.promised import Broken
from tests.simulation.releases import Releases
from tests.simulation.surroundings import Ledger, Metrics, Prober, Publishing, Surroundings
from tests.simulation.timeline import Timeline
from tests.simulation.turns import Denied

if TYPE_CHECKING:
    from tests.simulation.world import Setup

HOUR, DAY = 3600.0, 24 * 3600.0
NIGHTS = 2
FIRST = 17 * HOUR  # from the start, at eight in the morning, to one at night
WEIGHTS = {"down": 6, "denied": 2, "busy": 4, "again": 3, "orphan": 2, "request": 3}
PORTS = ("databases", "objects", "ledger", "messages")
BACKUPS = Backups(
    bucket=LANDING,
    locked_bucket=LOCKED,
    drill_bucket=DRILLS,
    drill_deadline=timedelta(hours=1),
    patience=timedelta(hours=1),
    instances={SOURCE: ("app",)},
    known={f"{SOURCE}/app": Database(append_only=frozenset({"public.messages"}))},
)


class Nights:
    """Lives like a `World`; happenings strike between midnight and six."""

    def __init__(self, setup: "Setup") -> None:
        draw, random = Random(f"{setup.seed}/nights"), Random(f"{setup.seed}/chance")
        self.happenings = tuple(row for row in drawn(draw) if setup.only is None or row.number in setup.only)
        self.timeline, self.checked = Timeline(), Counter[str]()
        self.told: dict[str, set[bool]] = {}  # by generation, whether it was called good
        faults, run = Faults(Random(f"{setup.seed}/faults"), setup.without), CloudRun(self.timeline, random, Releases())
        self.objects, self.ledger = Objects(), _Watched(self)
        self.databases = Databases(self.timeline, random, faults, self.objects)
        self.surroundings = Surroundings(
            timeline=self.timeline,
            random=random,
            faults=faults,
            environment=Environment(
                name="dev", project="demo", region="africa-south1", ledger_bucket="ledger", services={}, backups=BACKUPS
            ),
            services=run,
            messages=Publishing(),
            metrics=Metrics(self.timeline, random, run, faults),
            ledger=self.ledger,
            prober=Prober(run),
            objects=self.objects,
            databases=self.databases,
        )
        self.bus = Bus(self.surroundings)
        self.databases.publish = self.bus.publish
        self.surroundings.messages.send = self._sent

    def live(self) -> None:
        """Raises Broken, or whatever a handler raises that is our bug."""
        for night in range(NIGHTS + 1):
            self._plan(FIRST + night * DAY)
        for row in self.happenings:
            self.timeline.after(row.at, lambda row=row: self._perform(row))  # type: ignore[misc]
        with entries_decoded_once(), contextlib.redirect_stdout(io.StringIO()):
            self.timeline.run(FIRST + (NIGHTS - 0.3) * DAY)
            self.surroundings.faults.over = True
            self.surroundings.down.clear()
            self.databases.busy = False
            self.bus.replay()
            self.timeline.run(FIRST + (NIGHTS + 0.7) * DAY)
            self.bus.replay()
            self.timeline.run(FIRST + (NIGHTS + 0.8) * DAY)
        self._check_the_end()

    def _plan(self, began: float) -> None:
        """As Cloud Scheduler does, every night; Cloud SQL's own backup is an hour before."""
        self.timeline.after(began - HOUR, lambda: self.databases.backups.update({SOURCE: self.timeline.now}))
        ticks = [("backup-requests", began + 900 * step) for step in range(8)]
        ticks += [("backup-checks", began + HOUR * (1 + 3 * step)) for step in range(6)]
        ticks += [("drill-requests", began + 5 * HOUR)]
        ticks += [("drill-ticks", began + 5 * HOUR + 300 * step) for step in range(1, 20)]
        ticks += [("drill-ticks", began + 7 * HOUR + 1200 * step) for step in range(8)]
        for topic, at in ticks:
            self.timeline.after(at, lambda topic=topic: self._tick(topic))  # type: ignore[misc]

    def _tick(self, topic: str) -> None:
        if topic == "drill-ticks" and not self._drilling():
            return
        if not self.surroundings.faults.strikes(Fault.DROPPED_TICK):
            self.bus.publish(topic, b"{}", {"job": topic})

    def _drilling(self) -> bool:
        """Whether a drill has begun that is not over, or an instance stands that was made for one.

        Ticks that find neither are spared.
        """
        keys = set(self.ledger.keys("drills/"))
        begun = (key.removesuffix("-started.json") for key in keys if key.endswith("-started.json"))
        open_drills = (stem for stem in begun if not keys & {f"{stem}-passed.json", f"{stem}-failed.json"})
        return self.databases.names != {SOURCE} or any(open_drills)

    def _perform(self, row: Happening) -> None:
        match row.what:
            case "down" | "denied":
                port, error = PORTS[int(row.detail * len(PORTS))], Unavailable if row.what == "down" else Denied
                self.surroundings.down[port] = error
                self.timeline.after(10 * row.seconds, lambda: self.surroundings.down.pop(port, None))
            case "busy":
                self.databases.busy = True
                self.timeline.after(10 * row.seconds, lambda: setattr(self.databases, "busy", False))
            case "again":
                self.bus.publish("backup-requests", b"{}", {"again": SOURCE})
            case "orphan":
                self.databases.names.add(f"drill-{SOURCE}-2026010103{row.number:02d}00")
            case "request":
                self.bus.publish("drill-requests", b"{}", {"instance": SOURCE})

    def _sent(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        news = json.loads(data) if topic == "rollout-events" else {}
        if (kind := news.get("kind")) in ("export.verified", "export.broken"):
            key, generation = news["details"]["object"], int(news["key"].removesuffix(f"-{kind}").split("-")[-1])
            self.told.setdefault(f"{key}, generation {generation}", set()).add(kind == "export.verified")
            if kind == "export.verified":
                self._read_whole(key, generation)
        self.bus.publish(topic, data, attributes)

    def entered(self, key: str, entry: bytes) -> None:
        """A line of the catalogue."""
        if key.startswith("catalogue/") and not key.endswith("accepted.json"):
            found = catalogue.decode(entry)
            if found.good:
                self._read_whole(found.name.key, found.generation)

    def _read_whole(self, key: str, generation: int) -> None:
        self.checked["l"] += 1
        if (LANDING, key, generation) not in self.objects.read_whole:
            raise Broken("l", "No export is called good unread.", f"{key}, generation {generation}")

    def _check_the_end(self) -> None:
        self.checked["l"] += 1
        if self.bus.rejected or self.bus.dead:
            raise Broken("l", "Every message about backups comes to its end.", f"{self.bus.rejected} {self.bus.dead}")
        if self.databases.names != {SOURCE}:
            raise Broken("l", "No drill leaves an instance behind.", str(sorted(self.databases.names - {SOURCE})))
        written = Counter(
            row.uri
            for row in self.databases.rows.values()
            if row.kind is OperationKind.EXPORT and row.succeeded and row.uri.startswith(f"gs://{LANDING}/")
        )
        if twice := sorted(uri for uri, times in written.items() if times > 1):
            raise Broken("l", "There is one export a night, and one count before it.", str(twice))
        self._check_the_catalogue([uri for uri in written if "/exports/" in uri])

    def _check_the_catalogue(self, uris: list[str]) -> None:
        """Every file was read, good ones are locked, and the quiet last night has a good one."""
        lines = [
            catalogue.decode(self.ledger.objects[key])
            for key in self.ledger.keys("catalogue/")
            if not key.endswith("accepted.json")
        ]
        kept = {key for bucket, key, _ in self.objects.contents if bucket == LOCKED}
        good = {line.name.key for line in lines if line.good}
        if good != kept:
            raise Broken("l", "What is good is locked, and nothing else.", str(sorted(good ^ kept)))
        entered = {f"{line.name.key}, generation {line.generation}": line.good for line in lines}
        if changed := sorted(key for key, verdicts in self.told.items() if verdicts != {entered.get(key)}):
            raise Broken("l", "What was told of an export stands.", str(changed))
        last = max(uris, default="")
        name = ExportName.parse(last.removeprefix(f"gs://{LANDING}/"))
        if name is None or name.key not in good:
            raise Broken("l", "A quiet night has a good export.", f"{last or 'no export'} of {sorted(good)}")
        told = f"backups/{name.instance}/{name.database}/{name.mark}-"
        if not any(key.startswith(ledger_key(told).removesuffix(".json")) for key in self.ledger.objects):
            raise Broken("l", "What was found is told.", last)


class _Watched(Ledger):
    def __init__(self, nights: Nights) -> None:
        super().__init__()
        self._nights = nights

    def append(self, key: str, entry: bytes) -> bool:
        self._nights.entered(key, entry)
        return super().append(key, entry)


def drawn(random: Random) -> tuple[Happening, ...]:
    """In no order of time; each in some night."""
    rows = range(random.randint(0, 8))
    first = Happening(number=0, at=0.0, what="", service=SOURCE, detail=0.0, seconds=0.0)
    return tuple(
        replace(
            first,
            number=number,
            at=FIRST + DAY * random.randrange(NIGHTS) + random.uniform(0, 8 * HOUR),
            what=random.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0],
            detail=random.random(),
            seconds=random.uniform(20, 300),
        )
        for number in rows
    )
