"""What a run is asked for, and what came of it."""

from collections import Counter
from dataclasses import dataclass, field

from avtools.curate.settings import Settings


@dataclass(frozen=True)
class Order:
    """What a run is to make, and with what."""

    manifest: str
    settings: Settings
    shards: str | None = None
    keep: frozenset[str] | None = None
    per_channel: str | None = None
    contact: str | None = None
    part: tuple[int, int] | None = None
    jobs: int = 1
    scheduler: str | None = None
    restart: bool = False


@dataclass
class Outcome:
    clips: int = 0
    kept: int = 0
    reasons: Counter = field(default_factory=Counter)
    bugs: list[str] = field(default_factory=list)

    def add(self, row: dict) -> None:
        self.clips += 1
        self.kept += row.get("kept") == "yes"
        if row.get("reason"):
            is_copy = row["reason"].startswith("duplicate of ")
            self.reasons["duplicate" if is_copy else row["reason"].partition(":")[0]] += 1
