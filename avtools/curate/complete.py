"""Clips that end before their time: what a decoder gave against what was to come."""

from avtools.curate.verdict import Verdict


def complete(
    expected_seconds: float,
    sound_seconds: float,
    picture_seconds: float,
    *,
    errors: int = 0,
    least: float = 0.98,
    most_errors: int = 0,
) -> Verdict:
    """Left out if sound or picture has less than `least` of its length, or can't be decoded.

    `errors` are those that the decoder met on the way. Figures: `sound_seconds`,
    `picture_seconds`, `decode_errors`.
    """
    if not expected_seconds > 0:
        raise ValueError(f"{expected_seconds} s, expected more than 0")
    reasons = []
    for name, seconds in (("sound", sound_seconds), ("picture", picture_seconds)):
        if not seconds > 0:
            reasons.append(f"no {name}: nothing could be decoded")
        elif seconds < least * expected_seconds:
            reasons.append(f"truncated {name}: {seconds:.2f} s, expected {expected_seconds:.2f} s")
    if errors > most_errors:
        reasons.append(f"undecodable: {errors} errors, expected at most {most_errors}")
    figures = {
        "sound_seconds": float(sound_seconds),
        "picture_seconds": float(picture_seconds),
        "decode_errors": float(errors),
    }
    return Verdict(figures, tuple(reasons))
