"""What can be wrong with a sound, as short phrases that stay the same and can be searched for.

A finding begins with its phrase; the numbers of channels (from 0) follow it and figures stand
behind a colon: `dead channel 2`, `dead channels 1 3`, `clipping: 12 runs from 3.204 s`. FAULTS
make a file faulty for `probe --check`, REMARKS never do.
"""

import numpy as np

from avtools.dsp.tally import Facts

FAULTS = {
    "empty": "no samples at all",
    "silent": "every channel is below -80 dBFS",
    "dead channel": "a channel of zeros beside others with sound",
    "silent channel": "a channel below -80 dBFS beside others with sound",
    "missing Z": "ambisonics whose height channel is dead or silent",
    "dual mono": "two channels that hold the same sound",
    "near mono": "stereo whose difference is 22 dB or more below its sum",
    "inverted polarity": "stereo whose sum is 10 dB or more below its difference",
    "identical channels": "three or more channels that hold the same sound",
    "clipping": "three or more samples in a row at full scale",
    "dc offset": "a channel's mean is more than 0.005 of full scale from zero",
    "nan": "NaN or infinite samples",
    "shuffled channels": "ambisonics as X, Y, W, Z with Z down by 3 dB: YouTube's 5.1 read as 4.0",
    "5.1-tagged ambisonics": "first-order ambisonics that players take for 5.1 surround",
    "no spatial metadata": "ambisonics under a 360° picture, and nothing in the file says so",
    "contradicts metadata": "the sound is surely not what the file says that it is",
}
REMARKS = {
    "unmarked ambisonics": "nothing in the file names the convention; say --from to be safe",
    "fuma levels": "W stands 3 dB low against X and Y, as in FuMa",
    "head-locked stereo": "two channels after the ambisonics that don't turn with the head",
    "not ambisonic": "as many channels as ambisonics has, but not a sound field",
    "no ambisonics": "a 360° picture with mono, stereo or surround sound",
    "panned mono": "stereo of one sound, louder in one channel",
    "one-sided": "one channel is 20 dB or more below the other",
    "out of phase": "left and right are partly opposed: correlation below -0.3",
    "over full scale": "peaks above 1.0, which integers would clip",
}

SILENT_DB = -80.0
DC = 0.005
DUAL_MONO_DB, NEAR_MONO_DB, INVERTED_DB = -55.0, -22.0, 10.0


def is_fault(finding: str) -> bool:
    """Whether a finding makes its file faulty."""
    return finding.startswith(tuple(FAULTS))


def dead_channels(facts: Facts) -> tuple[int, ...]:
    return tuple(map(int, np.flatnonzero(facts.level_db < SILENT_DB)))


def damage(facts: Facts, rate: int) -> tuple[list[str], list[str]]:
    """Faults and remarks that don't depend on what the channels mean."""
    faults, remarks = [], []
    if facts.bad_samples:
        faults.append(f"nan: {facts.bad_samples} from {facts.first_bad / rate:.3f} s")
    if facts.clipped_runs:
        faults.append(f"clipping: {facts.clipped_runs} runs from {facts.first_clip / rate:.3f} s")
    if len(facts.peak) and facts.peak.max() > 1:
        remarks.append(f"over full scale: {20 * np.log10(facts.peak.max()):.1f} dB")
    # A mean counts where it is steady: over a short sound any slow wave has one.
    offset = np.abs(facts.mean)
    worst = int(offset.argmax()) if len(offset) else 0
    if len(offset) and offset[worst] > max(DC, 4 * facts.mean_error[worst]):
        faults.append(f"dc offset: {facts.mean[worst]:+.3f} in channel {worst}")
    return faults, remarks


def deaths(facts: Facts, channels: tuple[int, ...]) -> list[str]:
    """`dead channel 2` for zeros, `silent channels 1 3` for very little."""
    dead = [c for c in channels if np.isneginf(facts.level_db[c])]
    silent = [c for c in channels if c not in dead]
    return [
        f"{what} channel{'s' * (len(which) > 1)} {' '.join(map(str, which))}"
        for what, which in (("dead", dead), ("silent", silent))
        if which
    ]


def correlation(facts: Facts) -> np.ndarray:
    """`(channels, channels)`; 0 where a channel is constant."""
    deviation = np.sqrt(np.diag(facts.covariance).clip(0))
    return facts.covariance / np.maximum(np.outer(deviation, deviation), 1e-30)


def identical(facts: Facts, dead: tuple[int, ...]) -> bool:
    """Whether all the channels with sound, three at least, hold the same one."""
    live = [c for c in range(len(facts.level_db)) if c not in dead]
    levels = facts.level_db[live]
    if len(live) < 3 or np.ptp(levels) > 0.1:
        return False
    return bool(correlation(facts)[np.ix_(live, live)].min() > 0.9995)


def stereo_faults(facts: Facts) -> tuple[list[str], list[str]]:
    """What two live channels have to say about each other.

    M = (L + R)/2 and S = (L - R)/2, so E[M²] = (a + b + 2c)/4 and E[S²] = (a + b - 2c)/4 from the
    covariance [[a, c], [c, b]]. One sound at two levels has correlation 1 and yet a side.
    """
    (a, c), (_, b) = facts.covariance
    floor = 1e-9 * (a + b) + 1e-20
    side_db = 10 * np.log10(max(a + b - 2 * c, floor) / max(a + b + 2 * c, floor))
    r = correlation(facts)[0, 1]
    if side_db < DUAL_MONO_DB:
        return ["dual mono"], []
    if side_db < NEAR_MONO_DB:
        return [f"near mono: side {side_db:.1f} dB"], []
    if side_db > INVERTED_DB:
        return ["inverted polarity"], []
    level_db = 10 * np.log10(max(a, floor) / max(b, floor))
    if r > 0.999:
        return [], [f"panned mono: left {level_db:+.1f} dB"]
    remarks = [f"out of phase: correlation {r:.2f}"] if r < -0.3 else []
    if abs(level_db) > 20:
        remarks.append(f"one-sided: left {level_db:+.1f} dB")
    return [], remarks
