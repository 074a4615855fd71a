"""By how much is the sound of a 360 picture turned against it?

The evidence of turn.py over the whole recording. How sure the answer is has two factors, both
logistic and fitted once on 212 scenes of the synthetic world (preset real, seeds from 300,000 on):
that sight and sound belong together (the sounds with other scenes' pictures do not), and that the
answer is then right within 3 degrees.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from avtools.signal.hearing import COLUMNS, LONE, ROWS, Focus, field_maps
from avtools.signal.motion import TICKS, distinct, movement
from avtools.signal.ticks import in_step, windows
from avtools.signal.turn import STEP_DEG, Turn, best_yaw, signs, turn_evidence

# Of the signs of turn.py.
RELATED, UNRELATED = np.array([-0.037, 0.083, -1.266, 4.272, 10.73]), -1.379
NEAR, FAR = np.array([-0.508, 1.405, -1.354, 0.515, 0.0]), 1.443
# Less probable answers are none.
SURE = 0.6
# Seconds. Of shorter ones the signs, fitted to longer, say too much: of sounds with other scenes'
# pictures 7 in 100 were answered at 10 s, 10 at 5 s, 12 at 3 s, but 30 at 1 s.
SHORTEST = 3.0
# Degrees within which sound and picture agree.
TOLERANCE = 15.0


@dataclass(frozen=True)
class Answer:
    yaw: float  # degrees that the sound is turned by against the picture
    pitch: float
    roll: float
    confidence: float  # probability that the answer is right within 3 degrees, any rotation 15
    verdict: str  # aligned, misaligned or unsure
    curve: np.ndarray  # (COLUMNS,) what speaks for the yaws 0, STEP_DEG, ...
    heard: np.ndarray  # (ROWS, COLUMNS) where the sound came from in all


def align(
    blocks: Iterable[np.ndarray],
    rate: int,
    pictures: Iterable[tuple[float, np.ndarray]],
    tolerance: float = TOLERANCE,
    pitch_roll: bool = False,
) -> Answer:
    """Of AmbiX (4, samples) and an equirectangular picture, the whole of both.

    `rate`: a multiple of 25. `pictures`: times in seconds from the first sample on, and RGB of
    `motion.small_size`. `pitch_roll`: look for any rotation, not only about the vertical.
    """
    turn, focus, heard = Turn(), Focus(), np.zeros((ROWS, COLUMNS))
    sphere, ticks = None, 0
    if pitch_roll:
        from avtools.signal.sphere_turn import SphereTurn

        sphere = SphereTurn()
    for _, (motion, sound) in windows(in_step(movement(pictures, True), field_maps(blocks, rate))):
        motion, ticks = distinct(motion), ticks + len(motion)
        turn.add(*turn_evidence(sound, motion))
        heard += sound.sum(axis=0)
        focus.add(sound.sum(axis=1), LONE * sound.sum(axis=(1, 2)))
        if sphere is not None:
            sphere.add(sound, motion)
    curve = turn.curve
    if sphere is not None:
        yaw, pitch, roll, sure = sphere.best()
        curve = sphere.curve(pitch, roll)
    else:
        yaw, pitch, roll, sure = float(best_yaw(curve)), 0.0, 0.0, confidence(turn)
    sure *= focus.share  # diffuse sound comes from nowhere
    sure *= min(ticks / (SHORTEST * TICKS), 1.0)
    # What is said is what is applied: to a tenth of a degree.
    angles = [round(a, 1) + 0.0 for a in (yaw, pitch, roll)]
    angles[0] = angles[0] if angles[0] > -180 else 180.0
    return Answer(*angles, sure, verdict(angles, sure, tolerance), curve, heard)


def confidence(turn: Turn) -> float:
    found = signs(turn)
    odds = np.array([RELATED @ found + UNRELATED, NEAR @ found + FAR])
    return float(np.prod(1 / (1 + np.exp(-odds))))


def verdict(angles: list[float], sure: float, tolerance: float) -> str:
    from avtools.dsp.rotation import rotation_matrix

    if sure < SURE:
        return "unsure"
    # The angle of a rotation: its trace is 1 + 2 cos.
    cosine = (np.trace(rotation_matrix(*angles)) - 1) / 2
    apart = np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
    return "aligned" if apart <= tolerance + 1e-6 else "misaligned"


def yaws() -> np.ndarray:
    """Degrees that the places of `curve` stand for."""
    return np.arange(COLUMNS) * STEP_DEG
