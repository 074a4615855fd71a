"""Figures over clips: values by hand, intervals that know sources, and two runs compared."""

import numpy as np
import pytest
from scipy.stats import wilcoxon

from avtools.tasks.summary import compared, gathered, summarised
from avtools.tasks.task import Score, Task, mean

TASK = Task(
    name="test",
    kinds=("stereo",),
    models=("signal",),
    columns=("error", "gain"),
    examine=lambda *_: {},
    scores=(
        mean("error", higher_is_better=False),
        mean("gain"),
        Score("range", lambda c: float(np.ptp(c["error"]))),
    ),
)


def rows(errors, sources=None, **more) -> list[dict]:
    return [
        {
            "clip": f"c{k}",
            "source": f"{k if sources is None else sources[k]}",
            "error": e,
            "gain": -e,
        }
        | {name: values[k] for name, values in more.items()}
        for k, e in enumerate(errors)
    ]


def test_values_and_intervals():
    errors = np.random.default_rng(0).normal(10, 2, 100)
    told = {row["metric"]: row for row in summarised(TASK, rows(errors))}
    error = told["error"]
    assert error["value"] == pytest.approx(errors.mean()) and error["n"] == 100
    assert error["low"] == pytest.approx(errors.mean() - 1.96 * errors.std() / 10, abs=0.1)
    assert error["high"] == pytest.approx(errors.mean() + 1.96 * errors.std() / 10, abs=0.1)
    assert told["range"]["value"] == pytest.approx(np.ptp(errors))
    assert told["range"]["high"] <= told["range"]["value"]
    assert summarised(TASK, rows(errors)) == summarised(TASK, rows(errors))


def test_clips_of_one_source_are_not_many():
    of_source = np.repeat(np.random.default_rng(1).normal(0, 1, 10), 10)
    apart = summarised(TASK, rows(of_source))[0]
    together = summarised(TASK, rows(of_source, np.arange(100) // 10))[0]
    assert together["high"] - together["low"] > 2 * (apart["high"] - apart["low"])
    one = summarised(TASK, rows(of_source, np.zeros(100)))[0]
    assert one["high"] == apart["high"]


def test_what_is_missing_does_not_count():
    made = rows([1.0, 3.0, 5.0])
    made[2]["error"] = None
    told = summarised(TASK, made)[0]
    assert (told["value"], told["n"]) == (2.0, 2)


def test_two_runs():
    here = np.random.default_rng(2).normal(3, 1, 30)
    there = here + np.random.default_rng(3).normal(0.4, 0.5, 30)
    made = rows(here)
    others = {f"c{k}": {"error": f"{e:.17g}", "gain": ""} for k, e in enumerate(there)}
    error, gain, reach = compared(TASK, made, others, summarised(TASK, made))
    assert error["against"] == pytest.approx(there.mean()) and error["pairs"] == 30
    assert error["difference"] == pytest.approx((here - there).mean())
    assert error["better"] == (here < there).mean()  # lower is better
    assert error["p"] == pytest.approx(
        wilcoxon(here, there, method="asymptotic", correction=True).pvalue
    )
    assert gain["pairs"] == 0 and "p" not in gain and "p" not in reach


def test_only_common_clips_are_compared():
    made = rows([1.0, 2.0, 9.0])
    others = {"c0": {"error": "2"}, "c1": {"error": "2"}, "other": {"error": "100"}}
    error = compared(TASK, made, others, summarised(TASK, made))[0]
    assert (error["against"], error["difference"], error["pairs"]) == (2, -0.5, 2)
    assert error["better"] == 0.75 and error["value"] == 4


def test_words_and_arrays():
    made = rows([1.0, 2.0], verdict=["unsure", "fine"], frames=[np.ones(2), np.ones(3)])
    columns = gathered(made)
    assert "verdict" not in columns and [len(x) for x in columns["frames"]] == [2, 3]
