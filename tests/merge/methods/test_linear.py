from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_atelier.errors import UnknownName
from tag_atelier.merge.methods import METHODS, Operands, get_method
from tag_atelier.merge.methods.linear import add_difference, weighted_pair, weighted_sum


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


@pytest.mark.parametrize("name", METHODS)
def test_every_method_keeps_shape_and_operands(name: str) -> None:
    method = get_method(name)
    first, other, base = torch.randn(3, 3, 4, 2), torch.randn(3, 3, 4, 2), torch.randn(3, 3, 4, 2)
    kept = [x.clone() for x in (first, other, base)]
    parameters = {parameter.name: parameter.default for parameter in method.parameters}
    result = method.load_kernel()(Operands(first, [other], [0.3], base if method.base else None, parameters, "key"))
    assert result.shape == first.shape
    assert result.dtype == torch.float32
    assert torch.isfinite(result).all()
    assert all(torch.equal(x, y) for x, y in zip((first, other, base), kept, strict=True))
    assert method.load_kernel().__doc__


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.elementwise])
def test_elementwise_methods_may_be_cut_up(name: str) -> None:
    method = METHODS[name]
    kernel = method.load_kernel()
    tensors = [torch.randn(10) for _ in range(3)]
    parameters = {parameter.name: parameter.default for parameter in method.parameters}

    def run(piece: slice) -> torch.Tensor:
        a, b, c = (x[piece] for x in tensors)
        return kernel(Operands(a, [b], [0.3], c if method.base else None, parameters, "key"))

    assert torch.equal(torch.cat([run(slice(0, 4)), run(slice(4, 10))]), run(slice(0, 10)))


def test_unknown_method() -> None:
    with pytest.raises(UnknownName, match="weighted_sum"):
        get_method("magic")
