"""Whether a clip shows a face: a confident one on at least two pictures.

One hit alone is often none: textures look like faces to a detector now and then, but seldom twice.
"""

from collections.abc import Sequence

import numpy as np

from avtools.curate.verdict import Verdict


def faces(
    found: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    confidence: float = 0.5,
    pictures: int = 2,
) -> Verdict:
    """`found`: boxes and scores of each picture, from `avtools.faces.Detector.detect`.

    Figures: `faces`, the number of pictures with a confident face; `face_share` of all pictures;
    `face_confidence`, what is reached on as many pictures as are needed.
    """
    if pictures < 1:
        raise ValueError(f"{pictures} pictures, expected 1 or more")
    best = np.array([scores.max(initial=0.0) for _, scores in found])
    sure = int((best >= confidence).sum())
    enough = len(best) >= pictures
    figures = {
        "faces": float(sure),
        "face_share": sure / len(best) if len(best) else float("nan"),
        "face_confidence": float(np.sort(best)[-pictures]) if enough else float("nan"),
    }
    if sure >= pictures:
        return Verdict(figures)
    said = f"no face: a confident one on {sure} of {len(best)} pictures, expected {pictures}"
    return Verdict(figures, (said,))
