from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.merge.methods import Operands
from tag_atelier.merge.methods.linear import add_difference, add_difference_clamped, sum_twice, weighted_pair, weighted_sum


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def test_weighted_sum() -> None:
    x = Operands(tensor(1, 2), [tensor(3, 6)], [0.25])
    assert weighted_sum(x).tolist() == [1.5, 3.0]
    assert x.first.tolist() == [1, 2]


def test_weighted_sum_of_three_is_one_pass() -> None:
    x = Operands(tensor(1, 1), [tensor(2, 0), tensor(4, 8)], [0.5, 0.25])
    assert weighted_sum(x).tolist() == [2.25, 2.25]


def test_weighted_sum_reaches_beyond_the_models() -> None:
    assert weighted_sum(Operands(tensor(1), [tensor(3)], [1.5])).tolist() == [4.0]
    assert weighted_sum(Operands(tensor(1), [tensor(3)], [-0.5])).tolist() == [0.0]


def test_add_difference() -> None:
    x = Operands(tensor(1, 2), [tensor(5, 5)], [0.5], tensor(3, 7))
    assert add_difference(x).tolist() == [2.0, 1.0]
    assert x.first.tolist() == [1, 2]


def test_add_difference_of_two_models_with_one_base() -> None:
    x = Operands(tensor(1), [tensor(5), tensor(2)], [0.5, 2.0], tensor(3))
    assert add_difference(x).tolist() == [0.0]


def test_add_difference_clamped_stays_between_the_models() -> None:
    x = Operands(tensor(1, 1, 1), [tensor(3, 3, 0)], [1.0], tensor(0, 2.5, 3))
    assert add_difference(x).tolist() == [4.0, 1.5, -2.0]
    assert add_difference_clamped(x).tolist() == [3.0, 1.5, 0.0]


def test_sum_twice() -> None:
    x = Operands(tensor(0), [tensor(4), tensor(10)], [0.5, 0.25])
    assert sum_twice(x).tolist() == [0.75 * 2 + 0.25 * 10]
    assert sum_twice(Operands(tensor(0), [tensor(4), tensor(10)], [0.5, 1.0])).tolist() == [10.0]


def test_weighted_pair_rounds_once() -> None:
    # 1 + 0.5·2⁻¹⁰ lies half-way between two halves; 0.25 of the step rounds down, 0.75 up.
    first, other, out = tensor(1.0, 1.0).half(), tensor(1.0009765625, 1.0009765625).half(), torch.empty(2).half()
    weighted_pair(first, other, 0.25, out)
    assert out.tolist() == [1.0, 1.0]
    weighted_pair(first, other, 0.75, out)
    assert out.tolist() == [1.0009765625, 1.0009765625]


values = st.lists(st.floats(-4, 4, width=16), min_size=8, max_size=8)


@settings(max_examples=60, deadline=None)
@given(a=values, b=values, c=values, weight=st.floats(-2, 2))
def test_against_float64(a: list[float], b: list[float], c: list[float], weight: float) -> None:
    doubles = [torch.tensor(x, dtype=torch.float64) for x in (a, b, c)]
    floats = [x.float() for x in doubles]
    scale = doubles[0].abs() * (1 + abs(weight)) + abs(weight) * (doubles[1].abs() + doubles[2].abs())
    bound = 2.0**-22 * scale + 2.0**-147  # the second term: four steps of the smallest float32
    summed = weighted_sum(Operands(floats[0], [floats[1]], [weight])).double()
    assert torch.all((summed - ((1 - weight) * doubles[0] + weight * doubles[1])).abs() <= bound)
    added = add_difference(Operands(floats[0], [floats[1]], [weight], floats[2])).double()
    assert torch.all((added - (doubles[0] + weight * (doubles[1] - doubles[2]))).abs() <= bound)
