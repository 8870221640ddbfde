from __future__ import annotations

import torch

from tag_atelier.merge.methods import Operands
from tag_atelier.merge.methods.difference import train_difference


def test_train_difference() -> None:
    a, b, base = torch.tensor([1.0, 5.0, 2.0, 3.0]), torch.tensor([3.0, 5.0, 5.0, 3.0]), torch.tensor([2.0, 4.0, 5.0, 3.0])
    # 1: learned 1, apart 2 → share 2/3; 2: A has it already; 3: nothing learned; 4: all the same
    result = train_difference(Operands(a, [b], [0.5], base))
    assert torch.allclose(result, torch.tensor([1.0 + 0.9 * 2 / 3, 5.0, 2.0, 3.0]))


def test_nan_is_not_hidden() -> None:
    one, nan = torch.tensor([1.0]), torch.tensor([float("nan")])
    for a, b, base in ((nan, one, one), (one, nan, one), (one, one, nan)):
        assert torch.isnan(train_difference(Operands(a, [b], [0.5], base))).all()
