from __future__ import annotations

import pytest
import torch

from tag_atelier.errors import UnknownName
from tag_atelier.merge.methods import METHODS, Operands, get_method


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
