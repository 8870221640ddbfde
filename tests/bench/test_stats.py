"""Reference values worked out by hand or from the published tables."""

import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.bench import stats


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(10, 20, 0.299, 0.701), (25, 50, 0.366, 0.634), (70, 100, 0.604, 0.781), (20, 20, 0.839, 1.0), (0, 5, 0.0, 0.434)],
)
def test_wilson_gives_the_published_intervals(hits: int, count: int, low: float, high: float) -> None:
    found = stats.wilson(hits, count)
    assert (round(found.low, 3), round(found.high, 3)) == (low, high)
    assert found.value == hits / count


def test_wilson_of_nothing_knows_nothing() -> None:
    found = stats.wilson(0, 0)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)


@given(count=st.integers(1, 500), share=st.floats(0, 1))
@settings(max_examples=60)
def test_wilson_holds_its_share_and_stays_inside(count: int, share: float) -> None:
    found = stats.wilson(round(share * count), count)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value <= found.high + 1e-12 <= 1 + 1e-12 + 1e-12


@pytest.mark.parametrize(
    ("b", "c", "p"),
    # 12 and 4 of 16: 2 · (1 + 16 + 120 + 560) / 65536 for what is more extreme, and half of 2 · 1820 / 65536
    [(5, 0, 0.03125), (6, 0, 0.015625), (8, 2, 0.065430), (12, 4, 0.049042), (0, 0, 1.0), (3, 3, 0.84375)],
)
def test_mcnemar_gives_the_mid_p_of_the_binomial(b: int, c: int, p: float) -> None:
    assert stats.mcnemar(b, c) == pytest.approx(p, abs=1e-6)
    assert stats.mcnemar(c, b) == stats.mcnemar(b, c)


@given(b=st.integers(0, 7), c=st.integers(0, 7), ties=st.integers(0, 5))
@settings(max_examples=40)
def test_sign_flip_is_mcnemar_for_hits_and_misses(b: int, c: int, ties: int) -> None:
    differences = numpy.array([1.0] * b + [-1.0] * c + [0.0] * ties)
    assert stats.sign_flip(differences) == pytest.approx(stats.mcnemar(b, c), abs=1e-12)


def test_sign_flip_of_many_differences_is_near_the_exact_value() -> None:
    differences = numpy.array([1.0] * 20 + [-1.0] * 8)
    assert stats.sign_flip(differences, seed=3) == pytest.approx(stats.mcnemar(20, 8), abs=0.006)


def test_sums_that_only_rounding_keeps_apart_are_equal() -> None:
    # Of the 8 sign patterns of 1/3, 1/3, 2/3 two sum to ±4/3 as these do, and none to more.
    assert stats.sign_flip(numpy.array([1 / 3, 1 / 3, 2 / 3])) == 0.125
    assert stats.sign_flip(numpy.array([0.1, 0.2, -0.3])) == pytest.approx(1 - 2 / 8 / 2), "0.1 + 0.2 - 0.3 is 0, as its mirror"


def test_bootstrap_is_the_mean_with_an_interval_around_it() -> None:
    values = numpy.array([0.0, 1.0] * 50 + [math.nan])
    found = stats.bootstrap_mean(values, seed=1)
    assert found.value == 0.5
    # normal theory: 0.5 ± 1.96 · sqrt(0.25 / 100)
    assert found.low == pytest.approx(0.402, abs=0.015)
    assert found.high == pytest.approx(0.598, abs=0.015)
    assert found == stats.bootstrap_mean(values, seed=1)


def test_bootstrap_of_nothing_is_not_a_number() -> None:
    assert all(math.isnan(number) for number in stats.bootstrap_mean(numpy.array([math.nan])))


def test_holm_gives_the_textbook_example() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([]) == []


def test_planted_truth_is_covered_and_equals_are_told_apart_rarely() -> None:
    # 1,000 runs of 300 tags, each tag's rate drawn anew; benchmarks/planted_truth.py does the same for several seeds.
    generator = numpy.random.default_rng(7)
    covered = false_alarms = 0
    for _ in range(1000):
        low, high = generator.uniform(0.5, 4.0, 2)
        rates = generator.beta(low, high, 300)
        one, other = generator.random((2, 300)) < rates
        interval = stats.wilson(int(one.sum()), 300)
        covered += interval.low <= low / (low + high) <= interval.high
        false_alarms += stats.mcnemar(int((one & ~other).sum()), int((other & ~one).sum())) < 0.05
    assert 930 <= covered <= 970
    assert 30 <= false_alarms <= 70


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_equals_drawn_with_several_seeds_are_told_apart_as_rarely(seeds: int) -> None:
    generator = numpy.random.default_rng(seeds)
    rates = generator.beta(*generator.uniform(0.5, 4.0, (2, 1000, 1)), (1000, 60))
    one, other = (generator.binomial(seeds, rates) / seeds for _ in range(2))  # (runs, tags)
    alarms = sum(stats.sign_flip(row) < 0.05 for row in one - other)
    assert 30 <= alarms <= 70, "3 to 7 of 100 runs"


def test_equal_values_have_an_interval_that_admits_how_few_they_are() -> None:
    ones, zeros = numpy.ones(8), numpy.zeros(8)
    assert stats.mean_share(ones) == stats.wilson(8, 8)
    assert stats.mean_share(ones).low == pytest.approx(0.6756, abs=1e-4)
    assert stats.mean_difference(zeros) == stats.Interval(0.0, -stats.wilson(0, 8).high, stats.wilson(0, 8).high)
    assert stats.mean_difference(ones).high == 1.0
    assert math.isnan(stats.mean_difference(numpy.ones(1)).low)
    mixed = numpy.array([0.0, 1.0, 1.0, 0.5])
    assert stats.mean_share(mixed) == stats.mean_difference(mixed) == stats.bootstrap_mean(mixed)
