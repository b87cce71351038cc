"""The ways a drill may end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.backup.operations import OperationKind


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a drill's operations end, by kind; hangs: one that ends long after the drill's deadline."""

    fails: Mapping[OperationKind, str] = field(default_factory=dict)
    hangs: OperationKind | None = None
    refused_steps: int = 0
    orphan: str = ""
    other_bytes: bool = False
    passes: bool = False


WELL = Ending(passes=True)
ENDINGS = {
    "well": WELL,
    "create fails": Ending(fails={OperationKind.CREATE: "no quota"}),
    "the database is not made": Ending(fails={OperationKind.CREATE_DATABASE: "no name"}),
    "the import fails": Ending(fails={OperationKind.IMPORT: "no such extension"}),
    "the count fails": Ending(fails={OperationKind.EXPORT: "no disk"}),
    "the creation hangs": Ending(hangs=OperationKind.CREATE),
    "the import hangs": Ending(hangs=OperationKind.IMPORT),
    "every call is refused for a while": Ending(refused_steps=4, passes=True),
    "an orphan is there": Ending(orphan="drill-chat-20260101030000", passes=True),
    "the kept file is another one": Ending(other_bytes=True),
}
