"""What a run was asked for, as far as it changes what comes out for a clip."""

import os
from dataclasses import asdict, dataclass

# Results of another version of these files are not taken over.
VERSION = 3


@dataclass(frozen=True)
class Settings:
    kind: str = "stereo"  # or "360"
    clip: float = 10.0  # seconds
    per_source: int = 12
    tests: tuple[str, ...] = ()
    detector: str | None = None
    convention: str | None = None  # of what says nothing itself; None: by the usual rules
    off_centre: float = 0.6  # of the time
    seed: int = 0
    fps: float = 6.0
    size: int = 256  # of the shorter side
    rate: int = 16_000

    def parameters(self) -> dict:
        """By the names of the options, for the work folder."""
        named = {f"--{name.replace('_', '-')}": value for name, value in asdict(self).items()}
        named["--from"] = named.pop("--convention")
        return named | {
            "--tests": list(self.tests),
            "a detector file of": self._detector_stamp(),
            "version": VERSION,
        }

    def _detector_stamp(self) -> str | None:
        path = (self.detector or "").partition(":")[2].partition(",")[0]
        try:
            facts = os.stat(path)
        except OSError:
            return None
        return f"{facts.st_size} bytes at {facts.st_mtime_ns}"
