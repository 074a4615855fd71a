"""What scenes hold, by preset; their mirror and their turn."""

import dataclasses

import numpy as np
import pytest

from avtools.world.drawing import SCENES_A_CHANNEL, draw
from avtools.world.motion import directions
from avtools.world.presets import PRESETS
from avtools.world.scenes import EARS, LOOKS, SHOWS, SOUNDS, Scenes, join

MANY = np.arange(600)


def arrays(scenes: Scenes) -> dict[str, np.ndarray]:
    fields = ((f.name, getattr(scenes, f.name)) for f in dataclasses.fields(scenes))
    return {name: value for name, value in fields if isinstance(value, np.ndarray)}


@pytest.mark.parametrize("kind", ["stereo", "360"])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_scene_is_the_same_in_any_batch(kind, preset):
    many, one = draw(kind, preset, np.arange(20), 3.0), draw(kind, preset, [13], 3.0)
    for name, value in arrays(one).items():
        assert np.array_equal(value, arrays(many)[name][13:14]), name


def test_easy_is_one_seen_source_in_the_open():
    s = draw("stereo", "easy", MANY, 3.0)
    assert (s.present.sum(1) == 1).all() and s.heard.all() and s.drawn.all()
    assert not s.rt60.any() and (s.snr == 30).all() and not s.gains.any() and not s.shake.any()
    assert not s.pillar_width.any() and 0.2 < (s.swing == 0).mean() < 0.4


def test_real_is_what_its_table_says():
    s = draw("stereo", "real", np.arange(6000), 3.0)
    count = s.sounding.sum(1)
    assert set(count) == {1, 2, 3} and abs((count == 2).mean() - 1 / 3) < 0.03
    assert abs((s.present & ~s.heard).any(1).mean() - 0.5) < 0.03
    assert abs((s.sounding & ~s.drawn).sum() / s.sounding.sum() - 0.2) < 0.02
    assert (s.sounding & s.drawn).any(1).all()
    assert s.rt60.min() >= 0.2 and s.rt60.max() <= 0.8 and s.rt60.std() > 0.1
    assert s.snr.min() >= 5 and s.snr.max() <= 30
    difference = np.abs(s.gains[:, 0] - s.gains[:, 1])
    assert 0.5 < difference.max() <= 1.0


def test_hard_goes_to_its_ends():
    s = draw("360", "hard", MANY, 10.0)
    assert s.sounding.sum(1).max() == 5 and s.rt60.max() > 1.15 and s.snr.min() < 1
    assert (s.pillar_width > 0).mean() > 0.5


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_seen_lies_in_the_picture_and_what_is_not_outside(preset):
    s = draw("stereo", preset, MANY, 10.0)
    azimuth, _, _ = directions(s, np.arange(0, 10, 0.1))
    inside = np.abs(azimuth) < s.fov[:, None, None] / 2
    assert inside[s.visible].all()
    assert not inside[s.present & ~s.drawn].any()
    assert np.abs(azimuth[s.present]).max() <= 90


def test_things_stay_within_the_room():
    for preset in ("real", "hard"):
        s = draw("360", preset, MANY, 10.0)
        azimuth, elevation, distance = directions(s, np.arange(0, 10, 0.25))
        a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
        place = np.stack([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)], -1)
        place = s.receiver[:, None, None] + distance[..., None] * place
        assert (place > 0.05).all() and (place < s.room[:, None, None] - 0.05).all()


def test_sounds_are_shown_as_they_are_made():
    s = draw("stereo", "hard", MANY, 3.0)
    spoken = np.isin(s.sound, (SOUNDS.index("voice"), SOUNDS.index("whisper")))
    assert (s.show[spoken] == SHOWS.index("mouth")).all()
    assert ((s.look == LOOKS.index("face")) == (s.show == SHOWS.index("mouth"))).all()
    bowed = s.show == SHOWS.index("bow")
    assert (s.sound[bowed] == SOUNDS.index("harmonic")).all()
    assert set(s.sound.ravel()) == set(range(len(SOUNDS)))


def test_events_follow_one_another_and_some_sources_pause():
    s = draw("stereo", "real", MANY, 10.0)
    assert (np.diff(s.onsets, axis=-1) > 0.15).all()
    plays = s.strengths > 0
    assert (s.onsets[plays] < 10).all() and plays.any(-1)[s.sounding].all()
    easy = draw("stereo", "easy", MANY, 10.0)
    share = (easy.strengths > 0).sum() / easy.strengths.size
    assert plays.sum() / plays.size < share  # the pauses


def test_channels_have_habits():
    s = draw("stereo", "real", np.arange(3000), 3.0)
    assert (s.channel == s.seeds // SCENES_A_CHANNEL).all()
    same = s.channel[:-1] == s.channel[1:]
    for field in (s.fov, s.ears, s.spacing, s.backdrop):
        assert (field[:-1] == field[1:])[same].all()
    # Things stand where their channel likes them: nearer to one another than to others'.
    first = s.azimuth[:, 0] / s.fov
    mean = np.array([first[s.channel == c].mean() for c in range(300)])
    within = np.mean([first[s.channel == c].var() for c in range(300)])
    assert mean.var() > 1.3 * within / SCENES_A_CHANNEL
    chosen = draw("stereo", "real", np.arange(4), 3.0, channels=[9, 9, 9, 9])
    assert len(set(chosen.fov)) == 1


def test_the_mirror_twice_is_nothing():
    for kind in ("stereo", "360"):
        s = draw(kind, "hard", np.arange(8), 3.0)
        twice = s.mirrored().mirrored()
        assert all(np.array_equal(v, arrays(twice)[k]) for k, v in arrays(s).items())
        left, right = directions(s, np.arange(5.0)), directions(s.mirrored(), np.arange(5.0))
        assert np.allclose(left[0], -right[0]) and np.allclose(left[1:], right[1:])


def test_a_turned_scene_is_where_it_was_plus_the_turn():
    s = draw("360", "hard", np.arange(8), 3.0)
    before, after = directions(s, np.arange(5.0)), directions(s.turned(77), np.arange(5.0))
    assert np.allclose((after[0] - before[0] - 77 + 180) % 360, 180)
    assert (after[0] > -180).all() and (after[0] <= 180).all()
    with pytest.raises(ValueError, match="360"):
        draw("stereo", "easy", [0], 3.0).turned(10)


def test_parts_join_to_the_whole():
    s = draw("stereo", "real", np.arange(6), 3.0)
    again = join([s.chosen(slice(0, 2)), s.chosen([2, 3, 4, 5])])
    assert all(np.array_equal(v, arrays(again)[k]) for k, v in arrays(s).items())
    with pytest.raises(ValueError, match="kinds"):
        join([s, draw("360", "real", [1], 3.0)])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mono", "easy", [0], 3.0), "kind mono"),
        (("stereo", "eazy", [0], 3.0), "easy, real, hard"),
        (("stereo", "easy", [0], 0.0), "more than 0"),
        (("stereo", "easy", [-1], 1.0), "seeds"),
        (("stereo", "easy", [0.5], 1.0), "seeds"),
        (("360", "easy", [0], 1.0, None, "head"), "ears head"),
    ],
)
def test_wrong_wishes_are_told(arguments, words):
    with pytest.raises(ValueError, match=words):
        draw(*arguments)


def test_ears_can_be_chosen():
    assert (draw("stereo", "real", MANY, 1.0, ears="head").ears == EARS.index("head")).all()
    assert (draw("360", "real", MANY, 1.0).ears == EARS.index("foa")).all()
