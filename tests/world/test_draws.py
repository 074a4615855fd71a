"""Chance that is the same everywhere."""

import numpy as np

from avtools.world.draws import Draws

KNOWN = [
    [18118755911153868668, 14544519888098398692],
    [112194430075892142, 8812160493251295958],
    [6360803440636658179, 3731003121107093302],
]
KNOWN_UNIFORM = [0.979602625627, 0.638892203219, 0.818880689675]


def test_known_numbers_that_no_machine_may_change():
    draws = Draws([0, 7, 1_000_000])
    assert draws.whole("a", 2).tolist() == KNOWN
    assert draws.uniform("b", -1, 1).round(12).tolist() == KNOWN_UNIFORM


def test_a_row_depends_on_its_seed_alone():
    many, one = Draws(np.arange(50)), Draws([31])
    for name in ("x", "y"):
        assert np.array_equal(many.uniform(name, 0, 1, 3, 4)[31:32], one.uniform(name, 0, 1, 3, 4))


def test_names_and_realms_draw_apart():
    seeds = np.arange(2000)
    a, b = Draws(seeds).uniform("a"), Draws(seeds).uniform("b")
    c = Draws(seeds, "channel").uniform("a")
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.08 and abs(np.corrcoef(a, c)[0, 1]) < 0.08
    assert abs(np.corrcoef(a[:-1], a[1:])[0, 1]) < 0.08  # nor do neighbouring seeds


def test_uniform_is_uniform():
    part = Draws(np.arange(400)).uniform("u", 0, 1, 500)
    counts = np.bincount((part * 20).astype(int).ravel(), minlength=20)
    assert counts.min() > 0.97 * part.size / 20 and counts.max() < 1.03 * part.size / 20
    assert part.min() >= 0 and part.max() < 1


def test_chance_and_index_follow_their_weights():
    draws = Draws(np.arange(20000))
    assert abs(draws.chance("c", 0.3).mean() - 0.3) < 0.015
    drawn = np.bincount(draws.index("i", [1, 0, 3]), minlength=3) / 20000
    assert drawn[1] == 0 and abs(drawn[2] - 0.75) < 0.015
    each = draws.index("i", np.stack([[1, 0, 0], [0, 0, 1]] * 10000))
    assert each[::2].max() == 0 and each[1::2].min() == 2


def test_keys_stay_below_two_to_the_31():
    keys = Draws(np.arange(1000)).key("k", 4)
    assert keys.dtype == np.int64 and keys.min() >= 0 and keys.max() < 2**31
    assert len(np.unique(keys)) > 3990
