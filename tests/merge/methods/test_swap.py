from __future__ import annotations

import pytest
import torch

from tag_atelier.merge.methods import Operands
from tag_atelier.merge.methods.swap import tensor_swap


@pytest.mark.parametrize(
    ("alpha", "beta", "rows"),
    [(0.4, 0.0, [0, 1]), (0.4, 0.2, [1, 2]), (0.6, 0.8, [0, 1, 4]), (1.0, 0.5, [0, 1, 2, 3, 4]), (0.1, 0.0, [])],
)
def test_rows_of_b(alpha: float, beta: float, rows: list[int]) -> None:
    a, b = torch.zeros(5, 2), torch.ones(5, 2)
    result = tensor_swap(Operands(a, [b], [alpha], parameters={"beta": beta}))
    assert result[:, 0].nonzero().flatten().tolist() == rows
    assert torch.equal(result[:, 0], result[:, 1])


def test_a_number_without_axes_stays() -> None:
    x = Operands(torch.tensor(1.0), [torch.tensor(2.0)], [1.0], parameters={"beta": 0.0})
    assert tensor_swap(x).item() == 1.0
