"""The ledger and its freezes, in a dictionary."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.rollout.freezes import Freezes


@dataclass
class FakeLedger:
    objects: dict[str, bytes] = field(default_factory=dict)
    freezes: Freezes = field(default_factory=Freezes)

    @property
    def frozen(self) -> str:
        return self.freezes.reason

    def append(self, key: str, entry: bytes) -> bool:
        new = key not in self.objects
        self.objects.setdefault(key, entry)
        return new

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def existing(self, keys: Iterable[str]) -> frozenset[str]:
        return frozenset(self.objects) & frozenset(keys)

    def keys(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(key for key in self.objects if key.startswith(prefix)))

    def newest(self, prefix: str, after: str) -> str:
        return max((key for key in self.objects if key.startswith(prefix) and key > after), default="")

    def freeze(self) -> str:
        return self.frozen

    def set_freeze(self, holder: str, reason: str, at: datetime) -> Freezes | None:
        after = self.freezes.with_wish(holder, reason, at)
        self.freezes = after or self.freezes
        return after
