"""What the source had before an export began: an export that is behind it has lost something on the way."""

from collections.abc import Mapping
from datetime import datetime

from shared.values import value


@value
class Counted:
    """rows: by table, as a dump names it; newest: the time of the newest row, where it is configured."""

    at: datetime
    rows: Mapping[str, int]
    newest: datetime | None = None
