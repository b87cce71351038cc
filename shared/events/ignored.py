"""A message that is fine and asks nothing of us."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """rule: which rule ignored it ("unknown_image"); text: the sentence for the log."""

    rule: str
    text: str
