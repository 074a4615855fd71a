"""Numbers as people write them on a command line."""

from avtools.errors import AvtoolsError


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def parse_channels(text: str | None) -> list[int] | None:
    if text is None:
        return None
    chosen: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not is_number(first) or (dash and not is_number(last)) or int(last or first) > 65535:
            raise AvtoolsError(f"--channels {text}: expected numbers from 0, as in 0,1 or 0-3")
        low, high = int(first), int(last) if dash else int(first)
        if high < low:
            raise AvtoolsError(f"--channels {text}: {part.strip()} counts downwards")
        chosen += range(low, high + 1)
    return chosen


def parse_bitrate(text: str | None) -> int | None:
    if text is None:
        return None
    number, scale = text.lower(), 1
    if number[-1:] in ("k", "m"):
        number, scale = number[:-1], {"k": 1000, "m": 1_000_000}[number[-1]]
    try:
        value = round(float(number) * scale)
    except (ValueError, OverflowError):
        value = 0
    if not 500 <= value <= 50_000_000:
        raise AvtoolsError(f"--bitrate {text}: expected bits a second, as in 256k")
    return value
