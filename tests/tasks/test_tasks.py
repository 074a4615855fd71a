"""Every task is whole, and chance belongs to the clip alone."""

import pytest

from avtools.tasks import TASKS, task_of
from avtools.tasks.task import chance


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_whole(name):
    task = task_of(name)
    assert task.name == name and task.models[0] == "signal" and len(task.models) > 1
    means = {score.column for score in task.scores} - {None}
    named = {*(task.probability or ()), *(task.error or ())}
    assert means and means | named <= set(task.columns)
    assert len({score.name for score in task.scores}) == len(task.scores)
    assert task.takes == 1 or task.things is not None


def test_no_such_task():
    with pytest.raises(ValueError, match="expected one of align360, doa"):
        task_of("dance")


def test_chance_is_of_seed_task_and_clip():
    drawn = [chance(*which).random() for which in [(0, "a", "x"), (0, "a", "x"), (1, "a", "x")]]
    drawn += [chance(0, "b", "x").random(), chance(0, "a", "y").random()]
    assert drawn[0] == drawn[1] and len(set(drawn)) == 4
