"""Every method from file to file against float64 rounded once: how many values differ, in each number format."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tag_atelier.merge.methods import METHODS
from tag_atelier.merge.plan import plan
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.stream import write
from tests.merge.methods.references import REFERENCES

BIG = "model.diffusion_model.input_blocks.5.0.big"
SHAPE = (96, 120)
MOST = math.prod(SHAPE) // 1000
"""0.1 % of the values."""
WEIGHTS = (1 / math.pi, 1 / math.e)
EXTREMES = {"plain": 0.05, "denormal in half precision": 3e-7, "huge": 3000.0}
BY_THE_WHOLE_MODEL = {"cosine_a", "cosine_b"}
"""What these do to a tensor depends on all others."""


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("scale", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("name", sorted(set(REFERENCES) - BY_THE_WHOLE_MODEL))
def test_at_most_one_value_in_a_thousand_differs(shelf, counter, name: str, scale: float, dtype: torch.dtype) -> None:
    method = METHODS[name]
    count = max(2, method.models[0]) + (method.models[1] is None and method.models[0] < 3)
    generator = torch.Generator().manual_seed(3)
    base = torch.randn(SHAPE, generator=generator)
    made = [base, *(base + 0.3 * torch.randn(SHAPE, generator=generator) for _ in range(count))]
    tensors = [(scale * each).to(dtype) for each in made]
    for letter, tensor in zip("dabc", tensors, strict=False):
        shelf.add(letter, dtype=dtype, change={BIG: tensor})
    alpha = [{"IN05": weight} for weight in WEIGHTS[: count - 1]]
    values = {"models": list("abc")[:count], "method": name, "alpha": alpha, **({"base": "d"} if method.base else {})}
    result = write(plan(Recipe.from_value(values), shelf.path), shelf.path("out"), counter(), hashed=False)
    doubles = [tensor.double().numpy() for tensor in tensors]
    expected = np.asarray(REFERENCES[name](doubles[1], doubles[2:], WEIGHTS[: count - 1], doubles[0]))
    got = load_file(shelf.path("out"))[BIG]
    assert result.replaced == {}
    assert int((got != torch.from_numpy(expected).to(dtype)).sum()) <= MOST
