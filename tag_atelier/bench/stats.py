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
_TIE = 1e-9
"""Sums that differ by less are equal: differences are fractions of a few seeds, which floating point only nears."""

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
    """Two-sided mid-p of the two discordant counts: under equality each is Binomial(b + c, ½). 1.0 where both are 0.

    What is just as extreme as the counts weighs half: counting it whole tells equal checkpoints apart in less than 5 %.

    Source: M. W. Fagerland, S. Lydersen and P. Laake, BMC Medical Research Methodology 13 (2013) 91, "McNemar mid-p".
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    if total == 0:
        return 1.0
    sides = 1 if only_first == only_second else 2
    beyond = 2 * sum(math.comb(total, k) for k in range(fewer))
    p: float = (2 * beyond + sides * math.comb(total, fewer)) / 2 ** (total + 1)
    return p


def sign_flip(differences: Array, seed: int = 0) -> float:
    """Two-sided mid-p of the mean of paired differences, shape (tags,), by flipping signs; equal to ``mcnemar`` for ±1.

    All 2ⁿ patterns where at most 14 differences are not zero, otherwise 10,000 drawn ones.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    drawn = len(moved) > _EXACT_FLIPS
    if drawn:
        bits = numpy.random.default_rng(seed).integers(0, 2, size=(SIGN_FLIPS, len(moved)), dtype=numpy.int8)
    else:
        bits = numpy.arange(2 ** len(moved))[:, None] >> numpy.arange(len(moved)) & 1  # (2ⁿ, n)
    beyond = numpy.abs((2 * bits - 1) @ moved) - abs(moved.sum())
    ties = numpy.abs(beyond) < _TIE
    weight = float((beyond[~ties] > 0).sum() + ties.sum() / 2)
    return (weight + drawn / 2) / (len(bits) + drawn)  # of the drawn patterns the observed one is one more


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
