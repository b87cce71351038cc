"""A message that is fine and asks nothing of us."""

from shared.values import value


@value
class Ignored:
    """rule: which rule ignored it ("unknown_image"); text: the sentence for the log."""

    rule: str
    text: str
