"""CMA-ES as a function of what is finished: the same scores give the same next candidates on every machine.

Used by ``tune.schedule``. Nothing is kept between calls, so workers may come, die and go; generations are worked through in
order. Coordinates are 0…1 within the bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy
import numpy.typing

Array = numpy.typing.NDArray[numpy.float64]
Repair = Callable[[Array], Array]
"""Nearest point that keeps the bounds."""


def population(dimensions: int) -> int:
    """Candidates of one generation: few, since a search of this kind has some sixty trials."""
    return 8 if dimensions <= 24 else 12


@dataclass(frozen=True)
class Finished:
    """One finished candidate of a generation."""

    point: Array
    rank: tuple[bool, float]
    """What it is sorted by, best highest: drawn in full, then its objective."""


class Cloud:
    """A normal distribution of candidates: mean, shape and step.

    Source: N. Hansen, The CMA Evolution Strategy: A Tutorial, arXiv 1604.00772, section B; without negative weights, since
    what a halving stopped early has no rank of its own.
    """

    def __init__(self, mean: Array, step: float, seed: int, repair: Repair) -> None:
        """``mean``: shape (n,), 0…1. ``step``: standard deviation, in the same unit."""
        n = len(mean)
        self.mean, self.step, self._seed, self._repair = mean.copy(), step, seed, repair
        self.size = population(n)
        self._generation = 0
        parents = self.size // 2
        raw = math.log(parents + 0.5) - numpy.log(numpy.arange(1, parents + 1))
        self._weights: Array = raw / raw.sum()  # (parents,)
        mass = 1 / float((self._weights**2).sum())  # the tutorial's mu_eff
        self._path_rate = (mass + 2) / (n + mass + 5)
        self._damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (n + 1)) - 1) + self._path_rate
        self._shape_path_rate = (4 + mass / n) / (n + 4 + 2 * mass / n)
        self._rank_one = 2 / ((n + 1.3) ** 2 + mass)
        self._rank_many = min(1 - self._rank_one, 2 * (mass - 2 + 1 / mass) / ((n + 2) ** 2 + mass))
        self._mass = mass
        self._usual_length = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
        self._path, self._shape_path = numpy.zeros(n), numpy.zeros(n)
        self._shape: Array = numpy.eye(n)

    def candidates(self) -> list[Array]:
        """The generation's points, repaired; each second one mirrors the one before it."""
        noise = numpy.random.default_rng([self._seed, self._generation])
        values, vectors = numpy.linalg.eigh(self._shape)
        root = vectors * numpy.sqrt(numpy.maximum(values, 1e-14))  # (n, n)
        found: list[Array] = []
        for i in range(self.size):
            if i % 2 == 0:
                direction = root @ noise.standard_normal(len(self.mean))
            else:
                direction = -direction
            found.append(self._repair(self.mean + self.step * direction))
        return found

    def learn(self, finished: Sequence[Finished]) -> None:
        """Move to the better half of a whole generation."""
        best = sorted(finished, key=lambda each: each.rank, reverse=True)[: len(self._weights)]
        steps = numpy.array([(each.point - self.mean) / self.step for each in best])  # (parents, n)
        move: Array = self._weights @ steps
        values, vectors = numpy.linalg.eigh(self._shape)
        whitened = vectors @ ((vectors.T @ move) / numpy.sqrt(numpy.maximum(values, 1e-14)))
        self._generation += 1
        rate = self._path_rate
        self._path = (1 - rate) * self._path + math.sqrt(rate * (2 - rate) * self._mass) * whitened
        length = float(numpy.linalg.norm(self._path))
        expected = math.sqrt(1 - (1 - rate) ** (2 * self._generation)) * self._usual_length
        moving = length / expected < 1.4 + 2 / (len(self.mean) + 1)
        rate = self._shape_path_rate
        self._shape_path = (1 - rate) * self._shape_path + moving * math.sqrt(rate * (2 - rate) * self._mass) * move
        lost = (1 - moving) * self._rank_one * rate * (2 - rate)
        self._shape = (
            (1 - self._rank_one - self._rank_many + lost) * self._shape
            + self._rank_one * numpy.outer(self._shape_path, self._shape_path)
            + self._rank_many * (steps.T * self._weights) @ steps
        )
        self.mean = self._repair(self.mean + self.step * move)
        self.step *= math.exp(min(1.0, (self._path_rate / self._damping) * (length / self._usual_length - 1)))
