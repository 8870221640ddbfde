"""A checkpoint against the others by direction, as ConfusionXL's page shows it: accuracy, mean, deviation in percent.

Used by ``bench.report_tables`` and ``bench.report_page``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tag_atelier.bench.directions import DIRECTIONS, TITLES
from tag_atelier.bench.score import CheckpointScore

OVERALL = "Overall"


@dataclass(frozen=True)
class Deviation:
    """One line of the table."""

    direction: str
    """English title."""
    tags: int
    accuracy: float
    mean: float
    """Of the other checkpoints on the same tags."""

    @property
    def percent(self) -> float:
        """(accuracy / mean − 1) in percent; NaN where the mean is 0 or unknown."""
        return 100 * (self.accuracy / self.mean - 1) if self.mean and math.isfinite(self.mean) else math.nan


def deviations(item: CheckpointScore, others: Sequence[CheckpointScore], direction_of: Mapping[str, str]) -> list[Deviation]:
    """The lines of one checkpoint: the directions that the run has tags of, then all tags together."""
    groups: dict[str, list[int]] = {}
    for index, tag in enumerate(item.tags):
        groups.setdefault(direction_of.get(tag.tag, "people"), []).append(index)
    lines = [_line(TITLES[direction], groups[direction], item, others) for direction in DIRECTIONS if direction in groups]
    return [*lines, _line(OVERALL, range(len(item.tags)), item, others)]


def percent_text(value: float) -> str:
    """A deviation as the page prints it.

    >>> percent_text(150.354), percent_text(-3.0)
    ('+150.35 %', '−3.00 %')
    """
    if not math.isfinite(value):
        return "–"
    return f"{'−' if value < 0 else '+'}{abs(value):.2f} %"


def _line(title: str, indices: Sequence[int], item: CheckpointScore, others: Sequence[CheckpointScore]) -> Deviation:
    known = [index for index in indices if all(math.isfinite(found.tags[index].rate) for found in (item, *others))]
    mean_of_others = _mean([found.tags[index].rate for found in others for index in known])
    return Deviation(title, len(known), _mean([item.tags[index].rate for index in known]), mean_of_others)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
