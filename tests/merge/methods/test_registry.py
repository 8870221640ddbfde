from __future__ import annotations

import pytest
import torch

from tag_atelier.errors import UnknownName
from tag_atelier.merge.methods import METHODS, Operands, get_method


@pytest.mark.parametrize("shape", [(3, 3, 4, 2), (5, 4), (7,), ()], ids=str)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_keeps_shape_and_operands(name: str, shape: tuple[int, ...]) -> None:
    method = get_method(name)
    count = max(2, method.models[0])
    first, base, *others = (torch.randn(shape) for _ in range(count + 1))
    kept = [x.clone() for x in (first, base, *others)]
    parameters = {parameter.name: parameter.default for parameter in method.parameters}
    weights = [0.3, 0.4][: count - 1]
    result = method.load_kernel()(Operands(first, others, weights, base if method.base else None, parameters, "key"))
    assert result.shape == first.shape
    assert result.dtype == torch.float32
    assert torch.isfinite(result).all()
    assert all(torch.equal(x, y) for x, y in zip((first, base, *others), kept, strict=True))
    assert method.load_kernel().__doc__


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.elementwise])
def test_elementwise_methods_may_be_cut_up(name: str) -> None:
    method = METHODS[name]
    kernel = method.load_kernel()
    count = max(2, method.models[0])
    tensors = [torch.randn(10) for _ in range(count + 1)]
    parameters = {parameter.name: parameter.default for parameter in method.parameters}

    def run(low: int, high: int) -> torch.Tensor:
        a, base, *others = (x[low:high] for x in tensors)
        weights = [0.3, 0.4][: count - 1]
        return kernel(Operands(a, others, weights, base if method.base else None, parameters, "key", start=low))

    assert torch.equal(torch.cat([run(0, 3), run(3, 10)]), run(0, 10))


@pytest.mark.parametrize("where", [0, 1, 2])
@pytest.mark.parametrize("name", METHODS)
def test_no_method_hides_nan(name: str, where: int) -> None:
    method = METHODS[name]
    least = max(2, method.models[0])
    tensors = [torch.randn(6, 5) for _ in range(least + 1)]
    tensors[where][2, 3] = float("nan")
    a, *others, base = tensors
    if where == 2 and least == 2:
        a, base, *others = tensors[:1] + tensors[2:] + tensors[1:2]
        if not method.base:
            pytest.skip("it has no base")
    parameters = {parameter.name: parameter.default for parameter in method.parameters}
    weights = [0.9, 0.1][: len(others)]
    if name == "tensor_swap":
        weights, parameters = [0.5], {"beta": 0.25} if where else {"beta": 0.5}
    result = method.load_kernel()(Operands(a, others, weights, base if method.base else None, parameters, "key"))
    assert torch.isnan(result[2, 3])


def test_unknown_method() -> None:
    with pytest.raises(UnknownName, match="weighted_sum"):
        get_method("magic")
