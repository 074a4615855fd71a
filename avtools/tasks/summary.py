"""Rows of clips to the figures that they have together, and two runs held against each other."""

from collections.abc import Mapping, Sequence

import numpy as np

from avtools.tasks.task import Columns, Score, Task, average

DRAWS = 1000


def gathered(rows: Sequence[Mapping]) -> Columns:
    """Columns of numbers, NaN where there is none, and of arrays; words are left out."""
    found: Columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        if any(isinstance(v, np.ndarray) for v in values):
            column = np.empty(len(rows), object)
            column[:] = [np.empty(0) if v is None else v for v in values]
            found[name] = column
        elif not any(isinstance(v, str) for v in values):
            found[name] = np.array([np.nan if v is None else float(v) for v in values])
    return found


def summarised(task: Task, rows: Sequence[Mapping], seed: int = 0) -> list[dict]:
    """A row for each of the task's scores: metric, value, low, high and n, the clips that count."""
    columns, clusters = gathered(rows), _clusters(rows)
    return [{"metric": s.name} | _interval(s, columns, clusters, seed) for s in task.scores]


def _clusters(rows: Sequence[Mapping]) -> list[str]:
    """What clips share with others. Of one source alone, all that can be drawn are its clips."""
    sources = [row["source"] for row in rows]
    return sources if len(set(sources)) > 1 else [row["clip"] for row in rows]


def _interval(score: Score, columns: Columns, clusters: list[str], seed: int) -> dict:
    from avtools.metrics.statistics import bootstrap

    if score.column is not None:
        found = bootstrap(columns[score.column], "mean", clusters, DRAWS, seed=seed)
    else:

        def of(chosen: np.ndarray) -> float:
            places = chosen.astype(int)
            return score.of({name: values[places] for name, values in columns.items()})

        found = bootstrap(np.arange(len(clusters)), of, clusters, DRAWS, seed=seed)
    count = found.count if np.isfinite(found.value) else 0
    return {"value": found.value, "low": found.low, "high": found.high, "n": count}


def compared(
    task: Task, rows: Sequence[Mapping], others: Mapping[str, Mapping], told: list[dict]
) -> list[dict]:
    """`told` with what Wilcoxon's test says of each mean, over the clips that both runs have.

    `others`: clip -> its row in the other run, as it is or its cells as text.
    """
    both = [row for row in rows if row["clip"] in others]
    mine, known = gathered(both), {score.name: score for score in task.scores}
    return [line | _compared(known[line["metric"]], mine, both, others) for line in told]


def _compared(score: Score, mine: Columns, both: list, others: Mapping[str, Mapping]) -> dict:
    from avtools.metrics.statistics import wilcoxon

    if score.column is None or not both:
        return {}
    here = mine[score.column]
    there = np.array([_number(others[row["clip"]].get(score.column)) for row in both])
    paired = np.isfinite(here) & np.isfinite(there)
    here, there = here[paired], there[paired]
    if not len(here):
        return {"pairs": 0}
    ahead = np.sign(here - there) * (1 if score.higher_is_better else -1)
    return {
        "against": average(there),
        "difference": average(here - there),
        "better": float((ahead + 1).mean() / 2),
        "p": wilcoxon(here, there).p,
        "pairs": len(here),
    }


def _number(text: str | float | None) -> float:
    try:
        return float("nan" if text in (None, "") else text)
    except ValueError:
        return np.nan
