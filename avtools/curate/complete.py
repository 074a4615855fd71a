"""Clips that end before their time or are damaged: what a decoder gave against what was to come."""

from avtools.curate.verdict import Verdict


def complete(
    expected_seconds: float,
    sound_seconds: float,
    picture_seconds: float,
    *,
    least: float = 0.98,
) -> Verdict:
    """Left out if sound or picture has less than `least` of its length.

    Figures: `sound_seconds`, `picture_seconds`.
    """
    if not expected_seconds > 0:
        raise ValueError(f"{expected_seconds} s, expected more than 0")
    reasons = []
    for name, seconds in (("sound", sound_seconds), ("picture", picture_seconds)):
        if not seconds > 0:
            reasons.append(f"no {name}: nothing could be decoded")
        elif seconds < least * expected_seconds:
            reasons.append(f"truncated {name}: {seconds:.2f} s, expected {expected_seconds:.2f} s")
    figures = {"sound_seconds": float(sound_seconds), "picture_seconds": float(picture_seconds)}
    return Verdict(figures, tuple(reasons))


def undamaged(
    name: str,
    damaged: int,
    decoded: int,
    lost_seconds: float,
    expected_seconds: float,
    *,
    most: float = 0.02,
) -> Verdict:
    """Left out if a decoder could make nothing of more than `most` of what it was given.

    `damaged` of `decoded` pieces ("pictures", "pieces of sound"), and `lost_seconds` in which none
    came at all. One flipped bit spoils one of them; a sector of a disk, all up to the next
    keyframe. Figure: `damaged_` and the last word of the name, a share.
    """
    share = damaged / decoded if decoded else 0.0
    lost = lost_seconds / expected_seconds
    reasons = []
    if share > most:
        reasons.append(f"damaged: {damaged} of {decoded} {name}")
    if lost > most:
        reasons.append(f"damaged: no {name.split()[-1]} for {lost_seconds:.2f} s")
    return Verdict({f"damaged_{name.split()[-1]}": max(share, lost)}, tuple(reasons))


def numbers(bad: float, *, most: float = 0.001) -> Verdict:
    """Left out if more than this share of the samples is no number. Figure: `bad`."""
    said = f"nan: {100 * bad:.1f} % of the samples are no numbers"
    return Verdict({"bad": bad}, (said,) if bad > most else ())
