from __future__ import annotations

import math

import torch

from tag_atelier.merge.methods import Operands
from tag_atelier.merge.methods.span import geometric_median, karcher_mean, model_stock, perpendicular, slerp


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def close(got: torch.Tensor, *values: float) -> bool:
    return torch.allclose(got, tensor(*values), atol=1e-6)


def test_slerp_by_hand() -> None:
    half = math.sqrt(0.5)
    assert close(slerp(Operands(tensor(1, 0), [tensor(0, 1)], [0.5])), half, half)
    assert close(slerp(Operands(tensor(1, 0), [tensor(0, 3)], [0.5])), 2 * half, 2 * half)
    assert close(slerp(Operands(tensor(1, 0), [tensor(0, 1)], [1 / 3])), math.cos(math.pi / 6), 0.5)


def test_slerp_of_parallel_opposite_and_empty_directions_is_a_line() -> None:
    assert close(slerp(Operands(tensor(1, 2), [tensor(2, 4)], [0.25])), 1.25, 2.5)
    assert close(slerp(Operands(tensor(1, 0), [tensor(-1, 0)], [0.25])), 0.5, 0)
    assert close(slerp(Operands(tensor(0, 0), [tensor(2, 4)], [0.5])), 1, 2)


def test_karcher_mean_by_hand() -> None:
    third = 1 / 3
    mean = karcher_mean(Operands(tensor(3, 0, 0), [tensor(0, 3, 0), tensor(0, 0, 3)], [third, third]))
    assert close(mean, *[math.sqrt(3)] * 3)
    turned = karcher_mean(Operands(tensor(2, 0), [tensor(0, 2)], [1 / 3]))
    assert close(turned, 2 * math.cos(math.pi / 6), 1.0)
    assert close(karcher_mean(Operands(tensor(0, 0), [tensor(2, 4)], [0.5])), 1, 2)


def test_geometric_median_by_hand() -> None:
    third = 1 / 3
    # Three corners of a triangle with equal sides: the centre. On a line: the one in the middle, however far the third is.
    corners = tensor(0, 0), tensor(1, 0), tensor(0.5, math.sqrt(0.75))
    assert close(geometric_median(Operands(corners[0], corners[1:], [third, third])), 0.5, math.sqrt(0.75) / 3)
    line = Operands(tensor(0.0), [tensor(1.0), tensor(1000.0)], [third, third])
    assert torch.allclose(geometric_median(line), tensor(1.0), atol=0.05)
    same = tensor(1, 2)
    assert close(geometric_median(Operands(same, [same, same], [third, third])), 1, 2)


def test_model_stock_by_hand() -> None:
    # cos 60° = ½: t = 2·½/(1 + ½) = 2/3 of the way from the base to the mean.
    a, b = tensor(1, 0), tensor(0.5, math.sqrt(0.75))
    assert close(model_stock(Operands(a, [b], [0.5], tensor(0, 0))), 0.5, math.sqrt(0.75) / 3)
    assert close(model_stock(Operands(a, [a], [0.5], tensor(0, 0))), 1, 0)
    assert close(model_stock(Operands(a, [tensor(-1, 0)], [0.5], tensor(0, 0))), 0, 0)


def test_perpendicular_by_hand() -> None:
    x = Operands(tensor(3, 1), [tensor(5, 4)], [0.5], tensor(1, 1))
    assert close(perpendicular(x), 3, 2.5)
    assert close(perpendicular(Operands(tensor(1, 1), [tensor(5, 4)], [0.5], tensor(1, 1))), 3, 2.5)


def test_values_too_large_to_square_give_nothing_rather_than_something_wrong() -> None:
    big = torch.tensor([1e200, 1.0], dtype=torch.float64)
    x = Operands(big, [big * 2, big * 3], [0.2, 0.3], big * 0)
    for method in (slerp, karcher_mean, geometric_median, model_stock, perpendicular):
        assert torch.isnan(method(x)).any()


def test_karcher_mean_of_opposite_directions_is_a_line() -> None:
    assert close(karcher_mean(Operands(tensor(1, 2), [tensor(-1, -2)], [0.5])), 0, 0)
