"""Times as people read them: seconds while there are few, then minutes, then hours."""

import math

STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 21600)


def clock_unit(end: float) -> str:
    """How times up to `end` seconds are written."""
    return "s" if end < 120 else "min:s" if end < 3600 else "h:min:s"


def clock(seconds: float, unit: str, digits: int = 0) -> str:
    """`seconds` in the unit: 7.5, 2:05 or 1:02:05."""
    if unit == "s":
        return f"{seconds:.{digits}f}"
    sign, whole = "-" if seconds <= -0.5 else "", round(abs(seconds))
    minutes, rest = divmod(whole, 60)
    if unit == "min:s":
        return f"{sign}{minutes}:{rest:02d}"
    return f"{sign}{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def clock_step(span: float, most: int = 9) -> float:
    """Seconds between two marks of an axis with `most` marks at the most: a number people like."""
    for step in STEPS:
        if span / step <= most:
            break
    else:
        step = 86400 * math.ceil(span / most / 86400)
    if step == 1:
        power = 10.0 ** math.floor(math.log10(max(span, 1e-6) / most))
        step = next(power * k for k in (1, 2, 5, 10) if span / (power * k) <= most * (1 + 1e-9))
    return float(step)
