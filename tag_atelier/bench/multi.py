"""How much of a prompt with many tags a checkpoint draws, by number of tags. Called by ``bench.score``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy

from tag_atelier.bench import stats
from tag_atelier.bench.stats import Interval
from tag_atelier.bench.store import StoredCell

HEADLINE_SIZE = 32


@dataclass(frozen=True)
class CurvePoint:
    """One checkpoint at one number of tags."""

    name: str
    size: int
    """Tags in the prompt."""
    sets: int
    """Pictures that count."""
    recall: Interval
    """Mean share of a picture's tags that are seen, resampled by picture."""
    control_rate: float
    """Mean share of pictures without a tag in which it is seen all the same, over these tags."""
    first_half: float
    second_half: float
    """Recall of the tags that stand in the first and the second half of the prompt."""

    @property
    def realised(self) -> float:
        """Tags drawn beyond what comes unasked: size × (recall − control rate)."""
        return self.size * (self.recall.value - self.control_rate)


def curve(
    name: str, cells: Sequence[StoredCell], hits: Mapping[str, Mapping[str, bool]], control_rate: Mapping[str, float]
) -> list[CurvePoint]:
    """Points by growing size for the drawn cells of one checkpoint.

    Args:
        hits: by cell key and scored tag, whether it is seen.
        control_rate: false-alarm rate by scored tag; NaN without controls.
    """
    points = []
    for size in sorted({len(stored.cell.tags) for stored in cells} - {0}):
        scored = [_seen(stored, hits) for stored in cells if len(stored.cell.tags) == size]
        scored = [seen for seen in scored if seen]
        tags = {tag for stored in cells if len(stored.cell.tags) == size for tag in stored.cell.tags}
        rates = [control_rate[tag] for tag in sorted(tags) if math.isfinite(control_rate.get(tag, math.nan))]
        points.append(
            CurvePoint(
                name=name,
                size=size,
                sets=len(scored),
                recall=stats.mean_share(numpy.array([_share(seen) for seen in scored], dtype=float)),
                control_rate=sum(rates) / len(rates) if rates else math.nan,
                first_half=_mean([_share(seen[: (len(seen) + 1) // 2]) for seen in scored]),
                second_half=_mean([_share(seen[(len(seen) + 1) // 2 :]) for seen in scored if len(seen) > 1]),
            )
        )
    return points


def headline_point(points: Sequence[CurvePoint]) -> CurvePoint | None:
    """The point at 32 tags, else at the largest number drawn."""
    drawn = [point for point in points if point.sets]
    exact = [point for point in drawn if point.size == HEADLINE_SIZE]
    return exact[0] if exact else max(drawn, key=lambda point: point.size, default=None)


def _seen(stored: StoredCell, hits: Mapping[str, Mapping[str, bool]]) -> list[bool]:
    """Hits of a cell's scored tags in the order of its prompt."""
    known = hits.get(stored.cell.key, {})
    return [known[tag] for tag in stored.cell.tags if tag in known]


def _share(seen: Sequence[bool]) -> float:
    return sum(seen) / len(seen)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
