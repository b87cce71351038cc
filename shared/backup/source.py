"""What the source had before an export began: an export that is behind it has lost something on the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """rows: by table, as a dump names it; newest: the time of the newest row, where it is configured."""

    at: datetime
    rows: Mapping[str, int]
    newest: datetime | None = None
