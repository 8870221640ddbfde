"""The statistics of the benchmark, on plain arrays: intervals, paired tests, corrections. Called by ``bench.score``.

Numpy only. Every random number comes from a seed, so a report can be made again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy
import numpy.typing

Z_95 = 1.959963984540054
BOOTSTRAP_DRAWS = 4000
SIGN_FLIPS = 10_000
_EXACT_FLIPS = 14
"""Up to so many non-zero differences all sign patterns are counted instead of drawn."""

Array = numpy.typing.NDArray[numpy.float64]


class Interval(NamedTuple):
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(hits: float, count: int) -> Interval:
    """Share of hits with the Wilson score interval; 0…1 for a count of 0, where nothing is known.

    Source: E. B. Wilson, JASA 22 (1927) 209-212.
    """
    if count == 0:
        return Interval(math.nan, 0.0, 1.0)
    p, z2 = hits / count, Z_95**2
    centre = (p + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 / (1 + z2 / count) * math.sqrt(p * (1 - p) / count + z2 / (4 * count**2))
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half))


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p of the two discordant counts: under equality each is Binomial(b + c, ½).

    Source: Q. McNemar, Psychometrika 12 (1947) 153-157, in its exact binomial form.
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    if total == 0:
        return 1.0
    tail: float = sum(math.comb(total, k) for k in range(fewer + 1)) / 2**total
    return min(1.0, 2 * tail)


def sign_flip(differences: Array, seed: int = 0) -> float:
    """Two-sided p of the mean of paired differences, shape (tags,), by flipping signs; equal to McNemar for ±1.

    All 2ⁿ patterns where at most 14 differences are not zero, otherwise 10,000 drawn ones.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    observed = abs(moved.sum())
    if len(moved) <= _EXACT_FLIPS:
        patterns = numpy.arange(2 ** len(moved))[:, None] >> numpy.arange(len(moved)) & 1  # (2ⁿ, n)
        return float(numpy.mean(numpy.abs((2 * patterns - 1) @ moved) >= observed - 1e-12))
    generator = numpy.random.default_rng(seed)
    signs = generator.integers(0, 2, size=(SIGN_FLIPS, len(moved)), dtype=numpy.int8) * 2 - 1
    extreme = int(numpy.sum(numpy.abs(signs @ moved) >= observed - 1e-12))
    return (extreme + 1) / (SIGN_FLIPS + 1)  # the observed pattern is one of them


def bootstrap_mean(values: Array, seed: int = 0) -> Interval:
    """Mean over tags, shape (tags,), with a 95 % interval from resampling tags. NaNs are left out.

    The percentiles lie further out the fewer tags there are, as plain ones are too narrow then: the expanded percentile
    interval. One tag alone says nothing of others: its interval is NaN.

    Source: T. C. Hesterberg, The American Statistician 69 (2015) 371-386, section 5.2.
    """
    known = values[numpy.isfinite(values)]
    if len(known) < 2:
        return Interval(float(known[0]) if len(known) else math.nan, math.nan, math.nan)
    generator = numpy.random.default_rng(seed)
    picks = generator.integers(0, len(known), size=(BOOTSTRAP_DRAWS, len(known)))
    tail = 100 * _tail(len(known))
    low, high = numpy.percentile(known[picks].mean(axis=1), [tail, 100 - tail])
    return Interval(float(known.mean()), float(low), float(high))


def _tail(count: int) -> float:
    """Share of resampled means to leave out on each side: 0.025 for very many values, less for few."""
    z, freedom = Z_95, count - 1
    # Student's 97.5 % point in powers of 1 / freedom: Abramowitz and Stegun, 26.7.5
    powers = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    student = z + sum(term / freedom**power for power, term in enumerate(powers, 1))
    return math.erfc(student * math.sqrt(count / freedom / 2)) / 2


def mean_difference(differences: Array) -> Interval:
    """Mean of paired differences, each −1…1, with its interval from resampling tags.

    Where all are equal, resampling would give no width: then as many tags that do not differ as there are bound it.
    """
    found = bootstrap_mean(differences)
    if found.low < found.high or not math.isfinite(found.low):
        return found
    width = wilson(0, int(numpy.isfinite(differences).sum())).high
    return Interval(found.value, max(-1.0, found.value - width), min(1.0, found.value + width))


def mean_share(shares: Array) -> Interval:
    """Mean of shares, each 0…1, with its interval from resampling tags; Wilson's where all are equal, as above."""
    known = shares[numpy.isfinite(shares)]
    if len(known) and (known == known[0]).all():
        return wilson(float(known.sum()), len(known))
    return bootstrap_mean(shares)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p, in the given order.

    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = highest
    return adjusted
