"""Windows of clips: how many, what they are called, and who stands beside them."""

import pytest

from avtools.datasets.clip import Clip
from avtools.tasks.examples import examples


def clips(*seconds, **more) -> list[Clip]:
    return [
        Clip(f"c{k}", f"s{k}", "x.wav", None, duration=s, **more) for k, s in enumerate(seconds)
    ]


def keys(found) -> list[str]:
    return [example.key for example in found]


def known(clip):
    return None


@pytest.mark.parametrize(
    "seconds, starts",
    [(10, [0]), (7, [0]), (14, [0]), (16, [0, 10]), (30, [0, 10, 20]), (34, [0, 10, 20])],
)
def test_windows(seconds, starts):
    found = examples(clips(seconds), 10, 1, None, 0, known)
    assert [e.clips[0].start for e in found] == starts
    if len(starts) == 1:
        assert keys(found) == ["c0"]
    assert all(e.clips[0].duration <= 10 for e in found)


def test_lengths_are_asked_for_where_the_dataset_does_not_say():
    found = examples(clips(None), 10, 1, None, 0, lambda clip: 25.0)
    assert keys(found) == ["c0-0", "c0-10", "c0-20"] and found[2].clips[0].duration == 5
    (unknown,) = examples(clips(None), 10, 1, None, 0, known)
    assert unknown.key == "c0" and unknown.clips[0].duration == 10


def test_some_of_many_are_spread_and_stay():
    many = clips(*[10.0] * 50)
    some = keys(examples(many, 10, 1, 12, 1, known))
    assert (
        len(some) == 12
        and some == sorted(some)
        and some != keys(examples(many, 10, 1, 12, 2, known))
    )
    assert some == keys(examples(many, 10, 1, 12, 1, known))
    assert max(int(k[1:]) for k in some) > 25


def test_others_are_of_other_sources():
    many = clips(*[10.0] * 12, channel=None)
    many = [Clip(c.key, f"s{k % 3}", "x.wav", None, duration=10.0) for k, c in enumerate(many)]
    for example in examples(many, 10, 2, None, 0, known):
        one, other = example.clips
        assert one.source != other.source and example.key == f"{one.key}+{other.key}"
    assert keys(examples(many, 10, 2, None, 0, known)) == keys(
        examples(many, 10, 2, None, 0, known)
    )


def test_one_source_alone_has_no_others():
    alone = [Clip(f"c{k}", "s", "x.wav", None, duration=10.0) for k in range(3)]
    with pytest.raises(ValueError, match="no clip of another source"):
        examples(alone, 10, 2, None, 0, known)


def test_clips_of_one_channel_belong_together():
    found = examples(clips(10, 10, channel="maker"), 10, 1, None, 0, known)
    assert {example.source for example in found} == {"maker"}


def test_some_windows_are_of_many_clips_and_of_all_their_times():
    found = examples(clips(*[3600.0] * 10), 10, 1, 30, 0, known)
    assert sorted(e.source for e in found) == sorted(f"s{k}" for k in range(10) for _ in range(3))
    starts = [e.clips[0].start for e in found]
    assert min(starts) < 900 and max(starts) > 2700 and len(set(keys(found))) == 30


def test_all_are_taken_where_more_are_asked_for():
    all_ = keys(examples(clips(30, 7, 25), 10, 1, None, 0, known))
    assert keys(examples(clips(30, 7, 25), 10, 1, 99, 0, known)) == all_ and len(all_) == 7


def test_the_length_of_a_clip_that_is_not_chosen_is_not_looked_up():
    asked = []
    examples(clips(*[None] * 50), 10, 1, 3, 0, lambda clip: asked.append(clip.key))
    assert len(asked) <= 4
