"""What finished candidates say together: paired differences, importance of groups, convergence. Used by ``tune.study``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy

from tag_atelier.bench import stats
from tag_atelier.tune.schedule import Tried
from tag_atelier.tune.space import Space
from tag_atelier.tune.status import Convergence, Score

LEAST_TRIALS = 10
"""Below, no importance is said."""
RECENT = 8
_RIDGE = 0.1
"""Relative weight of keeping the fit's coefficients small: there are more of them than trials."""


def paired(first: Mapping[str, float], second: Mapping[str, float]) -> Score:
    """Mean of ``first`` less ``second`` over the tags that both have, −2…2, tags resampled."""
    both = [first[tag] - second[tag] for tag in first if tag in second]
    found = stats.mean_difference(numpy.array([each for each in both if math.isfinite(each)], dtype=float))
    return Score(found.value, found.low, found.high)


def paired_by_prompt(first: Sequence[float], second: Sequence[float]) -> Score:
    """Mean difference of the share of a prompt's tags that is seen, prompts resampled; both in the same order."""
    both = numpy.array(first, dtype=float) - numpy.array(second, dtype=float)
    found = stats.mean_difference(both[numpy.isfinite(both)])
    return Score(found.value, found.low, found.high)


def convergence(tried: Sequence[Tried]) -> tuple[Convergence, ...]:
    """One point per finished candidate, in their order."""
    points, best = [], -math.inf
    for number, each in enumerate(tried, start=1):
        best = max(best, each.objective) if each.whole else best
        recent = [other.objective for other in tried[max(0, number - RECENT) : number]]
        points.append(Convergence(number, best if math.isfinite(best) else math.nan, sum(recent) / len(recent)))
    return tuple(points)


def importance(tried: Sequence[Tried], space: Space) -> tuple[dict[str, float], float]:
    """Group → share of what its weights explain of the objective, largest first, and what all explain together, 0…1.

    A ridge fit of a square in every weight, without products; the share is the variance of a group's part of the fit.
    """
    if len(tried) < LEAST_TRIALS:
        return {}, math.nan
    x = numpy.array([each.point for each in tried])  # (trials, dimensions)
    y = numpy.array([each.objective for each in tried])
    y = y - y.mean()
    columns = numpy.concatenate([x, x**2], axis=1)
    columns = columns - columns.mean(axis=0)
    columns = columns / numpy.maximum(columns.std(axis=0), 1e-9)
    size = len(space.dimensions)
    gram = columns.T @ columns + _RIDGE * len(tried) * numpy.eye(2 * size)
    coefficients = numpy.linalg.solve(gram, columns.T @ y)
    names = [each.group.name for each in space.dimensions] * 2
    parts = {
        group.name: sum(
            (columns[:, i] * coefficients[i] for i, name in enumerate(names) if name == group.name), numpy.zeros(len(y))
        )
        for group in space.groups
    }
    spread = {name: float(part.var()) for name, part in parts.items()}
    whole = sum(spread.values())
    fitted = columns @ coefficients
    explained = 1 - float(((y - fitted) ** 2).sum()) / max(float((y**2).sum()), 1e-12)
    ordered = sorted(spread.items(), key=lambda item: -item[1])
    return {name: value / whole if whole > 0 else 0.0 for name, value in ordered}, max(0.0, explained)
