"""Which revision gets the next request, so that the percents are met exactly and evenly."""

from collections.abc import Mapping


class Shares:
    """Smooth weighted round robin: any window of 100 requests holds each revision exactly its percent.

    Every revision earns its percent at each request; the richest is chosen and pays 100. The
    sequence repeats after 100 requests and spreads a small share over them. (Rule: nginx,
    ngx_http_upstream_round_robin.)
    """

    def __init__(self, percents: Mapping[str, int]) -> None:
        self.percents = {revision: percent for revision, percent in percents.items() if percent > 0}
        self._total = sum(self.percents.values())
        self._credits = dict.fromkeys(self.percents, 0)

    def next(self) -> str | None:
        """The revision of the next request, or None when nobody has a share."""
        if not self._credits:
            return None
        richest = ""
        most = -self._total * len(self._credits)
        for revision, percent in self.percents.items():
            credit = self._credits[revision] = self._credits[revision] + percent
            if credit > most:
                richest, most = revision, credit
        self._credits[richest] -= self._total
        return richest
