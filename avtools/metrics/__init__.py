"""Arrays in, numbers out: how good an answer is. Nothing is loaded here, and numpy is enough.

    from avtools.metrics import directions
    directions.evaluate(reference, estimate)  # {"direction_error": 4.1, ...}

Every module has one shape: its conventions in words at the top, `validate`, one function a metric,
and `evaluate(reference, estimate, ...)`, which gives all of them as `{name: float}`.

| module | what it measures |
|---|---|
| `spectrograms` | upmixing: L1, squared L2 ("STFT"), ENV, WAV, SNR |
| `separation` | SI-SDR, its improvement, SDR, SIR, SAR |
| `boxes` | face tracking: AP50, IoU, X and Y error |
| `directions` | where sounds are: error over the sphere, azimuth error, recall |
| `alignment` | by how far 360 degree sound is turned: error, plain and weighted by consensus |
| `answers` | yes or no with a probability: accuracy, abstention, calibration |
| `association` | Pearson, Spearman and canonical correlation |
| `statistics` | bootstrap intervals, the Wilcoxon signed-rank test, Wilson intervals |

What holds in all of them:

- The truth comes first: `(reference, estimate)`. Neither is changed; all is computed in float64.
- Names without a unit are shares 0...1 or plain numbers; `_db`, `_deg` and `_percent` say the rest,
  and every error in degrees is the shorter way round, 0...180.
- Azimuth is counter-clockwise seen from above, 0 front, +90 left; elevation is + up. Boxes are
  x, y, width, height with x, y the top left corner. Sounds are `(channels, samples)`.
- A figure that does not exist (the mean error of no answers) is NaN, never 0 and never an error.
- An estimate of NaN means "no answer" in `boxes`, `directions`, `alignment` and `answers`; each
  says what that costs. In sounds NaN and infinity are refused.
- Wrong shapes and wrong ranges raise ValueError: what was given, what was expected.
"""

from avtools.metrics import (
    alignment,
    answers,
    association,
    boxes,
    directions,
    separation,
    spectrograms,
    statistics,
)

__all__ = [
    "alignment",
    "answers",
    "association",
    "boxes",
    "directions",
    "separation",
    "spectrograms",
    "statistics",
]
