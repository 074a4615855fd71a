"""The room as a whole: one shape of module, nothing but numpy, inputs left alone."""

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest

from avtools import metrics


@pytest.mark.parametrize("name", metrics.__all__)
def test_every_module_has_one_shape(name):
    module = getattr(metrics, name)
    assert "Conventions" in module.__doc__ and f"| `{name}` |" in metrics.__doc__
    for function in ("validate", "evaluate"):
        assert inspect.isfunction(getattr(module, function))
    public = [
        f
        for f in vars(module).values()
        if inspect.isfunction(f) and f.__module__ == module.__name__ and f.__name__[0] != "_"
    ]
    assert all(f.__doc__ for f in public)


def test_numpy_is_enough():
    line = (
        "import sys, numpy; before = set(sys.modules); import avtools.metrics; "
        "print({m.split('.')[0] for m in set(sys.modules) - before} - {'avtools'}"
        " - set(sys.stdlib_module_names) - {'numpy'})"
    )
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_inputs_are_left_alone():
    x = np.random.default_rng(0).uniform(1, 2, (3, 4000))
    y = x + 0.1
    kept = x.copy(), y.copy()
    metrics.spectrograms.evaluate(x, y, normalise=True)
    metrics.separation.evaluate(x, y, x.sum(axis=0), permute=True, taps=8)
    metrics.boxes.evaluate(x[:, :4], y[:, :4], (9, 9))
    metrics.directions.evaluate(x[:, :2], y[:, :2])
    metrics.association.canonical_weights(x[:, :2], y[:, :1])
    metrics.statistics.bootstrap(x[0], draws=10, method="bca")
    assert (x == kept[0]).all() and (y == kept[1]).all()


def test_values_are_plain_floats():
    found = metrics.spectrograms.evaluate(np.ones((2, 500)), np.zeros((2, 500)))
    found |= metrics.answers.evaluate([1, 0], [0.9, 0.2])
    found |= metrics.directions.evaluate([[0, 0]], [[1, 1]])
    found |= metrics.alignment.evaluate([0], [1], [0.5])
    found |= metrics.boxes.evaluate([[0, 0, 1, 1]], [[0, 0, 1, 1]], (9, 9))
    found |= metrics.association.evaluate([1, 2], [2, 3])
    found |= metrics.statistics.evaluate([1, 2, 3], [1, 2, 4])
    assert {type(v) for v in found.values()} == {float}


def test_the_private_ones_exist_no_more_than_needed():
    names = {"checks", "ranks", "assignment"}
    for name in names:
        importlib.import_module(f"avtools.metrics.{name}")
    assert not names & set(metrics.__all__)
