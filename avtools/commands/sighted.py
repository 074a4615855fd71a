"""What tools that look and listen share."""


def even_rate(sound):
    """The sound at a rate that has whole ticks: nearly all have."""
    from avtools.signal.motion import TICKS

    if sound.rate % TICKS == 0:
        return sound
    from avtools.stream.resample import resampled

    return resampled(sound, 48_000)
