"""What a test says of a clip: figures for the manifest, and why the clip is left out."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdict:
    """`figures` are columns of the manifest, a missing one is NaN; no `reasons`: it passes.

    A reason is a short phrase that stays the same and can be searched for; what was found, and what
    was expected, stand behind a colon.
    """

    figures: dict[str, float | str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.reasons
